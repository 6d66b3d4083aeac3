package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	"software.sslmate.com/src/go-pkcs12"
)

// answerVerify looks at what cannot be compared, because randomness is in it.
func answerVerify(asked question) (*answer, error) {
	fields := map[string]string{}
	for _, name := range []string{"op", "text", "password", "certificate", "issuer"} {
		text, err := asked.text(name)
		if err != nil {
			return nil, err
		}
		fields[name] = text
	}
	var said string
	var err error
	switch fields["op"] {
	case "bcrypt":
		said, err = "cost", bcrypt.CompareHashAndPassword([]byte(fields["text"]), []byte(fields["password"]))
		if err == nil {
			cost, _ := bcrypt.Cost([]byte(fields["text"]))
			said = fmt.Sprintf("cost %d", cost)
		}
	case "decrypt_aes":
		decrypt := functions["decryptAES"].(func(string, string) (string, error))
		said, err = decrypt(fields["password"], fields["text"])
	case "private_key":
		var key any
		if key, err = readKey(fields["text"]); err == nil {
			said = describeKey(key)
		}
	case "certificate":
		said, err = describeCertificate(fields["certificate"], fields["text"], fields["issuer"])
	case "pkcs12":
		said, err = describeStore(fields["text"], fields["password"])
	case "trust_store":
		said, err = describeTrustStore(fields["text"], fields["password"])
	default:
		return nil, fmt.Errorf("unknown op %q", fields["op"])
	}
	if err != nil {
		return failed(err), nil
	}
	return output(said), nil
}

func readKey(text string) (any, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(rest) > 0 {
		return nil, fmt.Errorf("not one block of PEM")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	return nil, fmt.Errorf("a block of type %s", block.Type)
}

func describeKey(key any) string {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if err := key.Validate(); err != nil {
			return err.Error()
		}
		return fmt.Sprintf("rsa %d %d", key.N.BitLen(), key.E)
	case *ecdsa.PrivateKey:
		return "ecdsa " + key.Curve.Params().Name
	case ed25519.PrivateKey:
		return "ed25519"
	}
	return fmt.Sprintf("%T", key)
}

func readCertificate(text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(rest) > 0 || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("not one certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// describeCertificate checks that the key belongs to the certificate and that the issuer signed it.
func describeCertificate(text, key, issuerText string) (string, error) {
	certificate, err := readCertificate(text)
	if err != nil {
		return "", err
	}
	private, err := readKey(key)
	if err != nil {
		return "", err
	}
	derived, err := x509.MarshalPKIXPublicKey(publicOf(private))
	if err != nil {
		return "", err
	}
	own, err := x509.MarshalPKIXPublicKey(certificate.PublicKey)
	if err != nil {
		return "", err
	}
	if string(own) != string(derived) {
		return "", fmt.Errorf("the key does not belong to the certificate")
	}
	issuer := certificate
	if issuerText != "" {
		if issuer, err = readCertificate(issuerText); err != nil {
			return "", err
		}
	}
	// Signatures of issuers that are no authorities are looked at as well.
	if err := issuer.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature); err != nil {
		return "", err
	}
	addresses := []string{}
	for _, address := range certificate.IPAddresses {
		addresses = append(addresses, address.String())
	}
	return fmt.Sprintf("%s by %s, authority %t, names %s, addresses %s, usage %d %v, days %d, %s, serial of %t, keys %t %t",
		certificate.Subject, certificate.Issuer, certificate.IsCA, strings.Join(certificate.DNSNames, " "),
		strings.Join(addresses, " "), certificate.KeyUsage, certificate.ExtKeyUsage,
		certificate.NotAfter.Sub(certificate.NotBefore)/(24*time.Hour), certificate.SignatureAlgorithm,
		certificate.SerialNumber.BitLen() > 64, len(certificate.SubjectKeyId) > 0, len(certificate.AuthorityKeyId) > 0), nil
}

func publicOf(key any) any {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return &key.PublicKey
	case *ecdsa.PrivateKey:
		return &key.PublicKey
	case ed25519.PrivateKey:
		return key.Public()
	}
	return nil
}

func describeStore(text, password string) (string, error) {
	store, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", err
	}
	key, leaf, authorities, err := pkcs12.DecodeChain(store, password)
	if err != nil {
		return "", err
	}
	said := describeKey(key) + ", " + leaf.Subject.String()
	for _, authority := range authorities {
		said += ", " + authority.Subject.String()
	}
	return said, nil
}

func describeTrustStore(text, password string) (string, error) {
	store, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", err
	}
	authorities, err := pkcs12.DecodeTrustStore(store, password)
	if err != nil {
		return "", err
	}
	said := []string{}
	for _, authority := range authorities {
		said = append(said, authority.Subject.String())
	}
	return strings.Join(said, ", "), nil
}
