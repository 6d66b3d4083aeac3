// Package sprig has the functions of ESO's copy of sprig that differ from the released sprig.
//
// Error texts name the types of this package, hence its name.
package sprig

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// HashAlgorithm is a type of its own in ESO, which a template can fill only with a literal.
type HashAlgorithm string

// Htpasswd makes a line of a password file, by bcrypt unless `sha` is wanted.
func Htpasswd(user, password string, algorithm HashAlgorithm) string {
	if strings.Contains(user, ":") {
		return "invalid username: " + user
	}
	if algorithm == "sha" {
		sum := sha1.Sum([]byte(password))
		return user + ":{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return user + ":failed to encrypt string with bcrypt: " + err.Error()
	}
	return user + ":" + string(hash)
}
