package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// probe asks the API server, as an administrator with a token, whether things are there yet. It is
// plain HTTP because it also runs before the server can serve a real client.
type probe struct {
	server, token string
	client        *http.Client
}

func newProbe(server, token string, ca *keyPair) *probe {
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	return &probe{server: server, token: token, client: &http.Client{
		Timeout:   10 * time.Second, // the socket takes connections before the server reads from them
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}}
}

// do returns the status, 0 if there was no answer, and the body, or else the reason.
func (p *probe) do(method, path, contentType string, body []byte) (int, string) {
	request, err := http.NewRequest(method, p.server+path, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", contentType)
	response, err := p.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// has says whether a GET of all the paths succeeds.
func (p *probe) has(paths ...string) bool {
	for _, path := range paths {
		if status, _ := p.do("GET", path, "", nil); status != http.StatusOK {
			return false
		}
	}
	return true
}

// createDefinitions creates the CustomResourceDefinitions of a YAML file; others are left out.
func (p *probe) createDefinitions(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for document := range strings.SplitSeq("\n"+string(text), "\n---") {
		if !strings.Contains(document, "kind: CustomResourceDefinition") {
			continue
		}
		const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldManager=extsecret-test"
		status, answer := p.do("POST", path, "application/yaml", []byte(document))
		if status != http.StatusCreated && status != http.StatusConflict {
			return fmt.Errorf("creating a CustomResourceDefinition of %s: status %d: %s", file, status, answer)
		}
	}
	return nil
}
