package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certs writes DIR/NAME.crt and DIR/NAME.key, signed by DIR/ca.crt, which it makes at first. For tests on loopback only: a certificate serves as
// server (127.0.0.1, localhost) and as client (common name NAME, organization GROUP), and may be one that has expired.
func certs(args []string) error {
	flags := flag.NewFlagSet("certs", flag.ContinueOnError)
	dir := flags.String("dir", "", "folder of the certificates")
	name := flags.String("name", "", "common name, and the name of the files")
	group := flags.String("group", "", "organization: the group of a Kubernetes user")
	valid := flags.Duration("valid", 24*time.Hour, "lifetime from now; negative for one that has expired")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *name == "" {
		return fmt.Errorf("certs needs -dir and -name")
	}
	ca, caKey, err := authority(*dir)
	if err != nil {
		return err
	}
	subject := pkix.Name{CommonName: *name}
	if *group != "" {
		subject.Organization = []string{*group}
	}
	leaf := &x509.Certificate{
		Subject:     subject,
		NotBefore:   time.Now().Add(-48 * time.Hour),
		NotAfter:    time.Now().Add(*valid),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:    []string{"localhost"},
	}
	_, _, err = issue(*dir, *name, leaf, ca, caKey)
	return err
}

func authority(dir string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certPEM, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if os.IsNotExist(err) {
		return issue(dir, "ca", &x509.Certificate{
			Subject:               pkix.Name{CommonName: "test authority"},
			NotBefore:             time.Now().Add(-72 * time.Hour),
			NotAfter:              time.Now().Add(72 * time.Hour),
			KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
			BasicConstraintsValid: true,
			IsCA:                  true,
		}, nil, nil)
	}
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, "ca.key"))
	if err != nil {
		return nil, nil, err
	}
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, nil, fmt.Errorf("ca.crt or ca.key in %s is not PEM", dir)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	return cert, key, err
}

// issue signs template with parent, or with itself where there is none, and writes both files.
func issue(dir, name string, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	if err := write(dir, name+".crt", "CERTIFICATE", der); err != nil {
		return nil, nil, err
	}
	if err := write(dir, name+".key", "EC PRIVATE KEY", keyDER); err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func write(dir, name, kind string, der []byte) error {
	return os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
