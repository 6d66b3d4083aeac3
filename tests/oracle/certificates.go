package main

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"software.sslmate.com/src/go-pkcs12"
)

// ESO's own functions. Where ESO dereferences the block that a text without PEM does not have, so
// do these: the template then fails with the text of Go's runtime.

func hexdec(text string) string {
	decoded, err := hex.DecodeString(text)
	if err != nil {
		return err.Error()
	}
	return string(decoded)
}

func onePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// privateKey tries the three encodings in ESO's order.
func privateKey(der []byte) (any, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("unable to parse private key type")
}

func pkcs12Key(password, store string) (string, error) {
	key, _, _, err := pkcs12.DecodeChain([]byte(store), password)
	if err != nil {
		return "", fmt.Errorf("unable to decode pkcs12 with password: %s", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return onePEM("PRIVATE KEY", der), nil
}

func pkcs12Certificates(password, store string) (string, error) {
	_, leaf, authorities, err := pkcs12.DecodeChain([]byte(store), password)
	if err != nil {
		return "", fmt.Errorf("unable to decode pkcs12 certificate with password: %s", err)
	}
	text := onePEM("CERTIFICATE", leaf.Raw)
	for _, authority := range authorities {
		text += onePEM("CERTIFICATE", authority.Raw)
	}
	chain, err := chainOf([]byte(text))
	if err != nil {
		// Left in the order of the store.
		return text, nil
	}
	ordered := ""
	for _, certificate := range chain {
		ordered += onePEM("CERTIFICATE", certificate.Raw)
	}
	return ordered, nil
}

func toStore(leaf *x509.Certificate, key string, authorities []*x509.Certificate, password string) (string, error) {
	block, _ := pem.Decode([]byte(key))
	parsed, err := privateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	store, err := pkcs12.Modern.Encode(parsed, leaf, authorities, password)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(store), nil
}

func pemToPkcs12(certificate, key, password string) (string, error) {
	block, _ := pem.Decode([]byte(certificate))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	return toStore(leaf, key, nil, password)
}

func fullPemToPkcs12(certificates, key, password string) (string, error) {
	block, rest := pem.Decode([]byte(certificates))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	authorities, err := allCertificates(rest)
	if err != nil {
		return "", err
	}
	return toStore(leaf, key, authorities, password)
}

func pemTruststore(certificates, password string) (string, error) {
	authorities, err := allCertificates([]byte(certificates))
	if err != nil {
		return "", err
	}
	store, err := pkcs12.Modern.EncodeTrustStore(authorities, password)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(store), nil
}

func allCertificates(text []byte) ([]*x509.Certificate, error) {
	all := []*x509.Certificate{}
	for len(text) > 0 {
		block, rest := pem.Decode(text)
		text = rest
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, certificate)
	}
	return all, nil
}

// fromFirstBlock drops what stands before the first PEM block, as two of the functions do.
func fromFirstBlock(text string) string {
	if start := strings.Index(text, "-----BEGIN"); start > 0 {
		return text[start:]
	}
	return text
}

func filterPEM(kind, text string) (string, error) {
	rest := []byte(fromFirstBlock(text))
	kept := ""
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if !strings.EqualFold(block.Type, kind) {
			continue
		}
		var encoded bytes.Buffer
		if err := pem.Encode(&encoded, block); err != nil {
			return "", err
		}
		kept += encoded.String()
	}
	if kept == "" && len(rest) > 0 {
		return "", errors.New("error filtering pem: found junk")
	}
	return kept, nil
}

// chainOf orders certificates from the one that signed no other to its last known issuer.
func chainOf(text []byte) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		text = rest
		if block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, certificate)
	}

	issuers := make([]int, len(certificates))
	signed := make([]bool, len(certificates))
	for i, certificate := range certificates {
		issuers[i] = -1
		for j, issuer := range certificates {
			if i != j && bytes.Equal(certificate.AuthorityKeyId, issuer.SubjectKeyId) {
				issuers[i], signed[j] = j, true
				break
			}
		}
	}
	first := -1
	for i := range certificates {
		if signed[i] {
			continue
		}
		if first >= 0 {
			return nil, errors.New("found multiple leaf or disjunct certificates")
		}
		first = i
	}
	if first < 0 {
		return nil, errors.New("no leaf certificate found")
	}
	var chain []*x509.Certificate
	for i := first; i >= 0; i = issuers[i] {
		if len(chain) == len(certificates) {
			return nil, errors.New("constructing chain resulted in cycle")
		}
		chain = append(chain, certificates[i])
	}
	return chain, nil
}

func signsItself(certificate *x509.Certificate) bool {
	return certificate.AuthorityKeyId == nil ||
		bytes.Equal(certificate.AuthorityKeyId, certificate.SubjectKeyId)
}

func filterCertChain(part, text string) (string, error) {
	chain, err := chainOf([]byte(text))
	if err != nil {
		return "", err
	}
	last := chain[len(chain)-1]
	switch {
	case part == "leaf" && !signsItself(chain[0]):
		return onePEM("CERTIFICATE", chain[0].Raw), nil
	case part == "root" && signsItself(last):
		return onePEM("CERTIFICATE", last.Raw), nil
	case part == "intermediate":
		between := ""
		for _, certificate := range chain[1:] {
			if signsItself(certificate) {
				break
			}
			between += onePEM("CERTIFICATE", certificate.Raw)
		}
		return between, nil
	}
	return "", nil
}

func certSANs(text string) ([]string, error) {
	block, _ := pem.Decode([]byte(fromFirstBlock(text)))
	if block == nil {
		return nil, errors.New("failed to decode PEM block")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("failed to parse certificate: %w", err)
	}
	names := append([]string{}, certificate.DNSNames...)
	for _, address := range certificate.IPAddresses {
		names = append(names, address.String())
	}
	names = append(names, certificate.EmailAddresses...)
	for _, uri := range certificate.URIs {
		names = append(names, uri.String())
	}
	return names, nil
}

func rawJWK(text string) (any, error) {
	key, err := jwk.ParseKey([]byte(text))
	if err != nil {
		return nil, err
	}
	var raw any
	err = key.Raw(&raw)
	return raw, err
}

func jwkPublicKeyPem(text string) (string, error) {
	raw, err := rawJWK(text)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(raw)
	if err != nil {
		return "", err
	}
	return onePEM("PUBLIC KEY", der), nil
}

func jwkPrivateKeyPem(text string) (string, error) {
	raw, err := rawJWK(text)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(raw)
	if err != nil {
		return "", err
	}
	return onePEM("PRIVATE KEY", der), nil
}

func rsaDecrypt(scheme, hashName, text, key string) (string, error) {
	switch scheme {
	case "None":
		return text, nil
	case "RSA-OAEP":
	default:
		return "", fmt.Errorf("decryption scheme %v is not supported", scheme)
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return "", errors.New("failed to decode PEM block")
	}
	parsed, err := privateKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("could not parse private key: %v", err)
	}
	rsaKey, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return "", errors.New("could not parse RSA private key")
	}
	var hashed hash.Hash
	switch hashName {
	case "SHA1":
		hashed = crypto.SHA1.New()
	case "SHA512":
		hashed = sha512.New()
	default:
		hashed = sha256.New()
	}
	decrypted, err := rsa.DecryptOAEP(hashed, nil, rsaKey, []byte(text), nil)
	if err != nil {
		return "", fmt.Errorf("error decrypting data with RSA: %v", err)
	}
	return string(decrypted), nil
}
