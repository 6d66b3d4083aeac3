package main

import (
	"bytes"
	"fmt"
	"os"
	"sort"
	"strings"
	"text/template"
	"time"
	_ "time/tzdata"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"

	eso "extsecret.test/oracle/sprig"
)

// clock is what `now` says, so that answers stay the same.
var clock = startClock()

// startClock also makes UTC the local zone, as in ESO's image; that must come before its first use.
func startClock() time.Time {
	if err := os.Setenv("TZ", "UTC"); err != nil {
		panic(err)
	}
	return time.Date(2024, time.February, 29, 12, 34, 56, 789012345, time.Local)
}

var functions = allFunctions()

// allFunctions are sprig's, with ESO's changes, and ESO's own.
func allFunctions() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, absent := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, absent)
	}
	all["htpasswd"] = eso.Htpasswd
	all["hexdec"] = hexdec

	all["pkcs12key"] = func(store string) (string, error) { return pkcs12Key("", store) }
	all["pkcs12keyPass"] = pkcs12Key
	all["pkcs12cert"] = func(store string) (string, error) { return pkcs12Certificates("", store) }
	all["pkcs12certPass"] = pkcs12Certificates
	all["pemToPkcs12"] = func(cert, key string) (string, error) { return pemToPkcs12(cert, key, "") }
	all["pemToPkcs12Pass"] = pemToPkcs12
	all["fullPemToPkcs12"] = func(certs, key string) (string, error) { return fullPemToPkcs12(certs, key, "") }
	all["fullPemToPkcs12Pass"] = fullPemToPkcs12
	all["pemTruststoreToPKCS12"] = func(certs string) (string, error) { return pemTruststore(certs, "") }
	all["pemTruststoreToPKCS12Pass"] = pemTruststore
	all["filterPEM"] = filterPEM
	all["filterCertChain"] = filterCertChain
	all["certSANs"] = certSANs
	all["jwkPublicKeyPem"] = jwkPublicKeyPem
	all["jwkPrivateKeyPem"] = jwkPrivateKeyPem
	all["rsaDecrypt"] = rsaDecrypt
	all["toYaml"] = toYAML
	all["fromYaml"] = fromYAML

	makeDeterministic(all)
	return all
}

// makeDeterministic replaces what depends on the clock or on the order of a Go map. Where Go gives
// any order, the engine gives that of the keys.
func makeDeterministic(all template.FuncMap) {
	all["keys"] = func(dicts ...map[string]interface{}) []string {
		found := []string{}
		for _, dict := range dicts {
			found = append(found, sortedKeys(dict)...)
		}
		return found
	}
	all["values"] = func(dict map[string]interface{}) []interface{} {
		found := []interface{}{}
		for _, key := range sortedKeys(dict) {
			found = append(found, dict[key])
		}
		return found
	}

	all["now"] = func() time.Time { return clock }
	// These take the current time for whatever is no date.
	date := all["date"].(func(string, interface{}) string)
	all["date"] = func(layout string, moment interface{}) string { return date(layout, fixed(moment)) }
	inZone := all["dateInZone"].(func(string, interface{}, string) string)
	fixedInZone := func(layout string, moment interface{}, zone string) string {
		return inZone(layout, fixed(moment), zone)
	}
	all["dateInZone"], all["date_in_zone"] = fixedInZone, fixedInZone
	html := all["htmlDate"].(func(interface{}) string)
	all["htmlDate"] = func(moment interface{}) string { return html(fixed(moment)) }
	htmlInZone := all["htmlDateInZone"].(func(interface{}, string) string)
	all["htmlDateInZone"] = func(moment interface{}, zone string) string {
		return htmlInZone(fixed(moment), zone)
	}
	all["ago"] = func(moment interface{}) string {
		then := clock
		switch moment := moment.(type) {
		case time.Time:
			then = moment
		case int64:
			then = time.Unix(moment, 0)
		case int:
			then = time.Unix(int64(moment), 0)
		}
		return clock.Sub(then).Round(time.Second).String()
	}
	round := all["durationRound"].(func(interface{}) string)
	all["durationRound"] = func(duration interface{}) string {
		if then, ok := duration.(time.Time); ok {
			return round(int64(clock.Sub(then)))
		}
		return round(duration)
	}
}

func fixed(moment interface{}) interface{} {
	switch moment.(type) {
	case time.Time, *time.Time, int64, int, int32:
		return moment
	}
	return clock
}

func sortedKeys(dict map[string]interface{}) []string {
	keys := make([]string, 0, len(dict))
	for key := range dict {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func listFunctions() {
	names := make([]string, 0, len(functions))
	for name := range functions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Printf("%s %T\n", name, functions[name])
	}
}

func toYAML(value any) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

func fromYAML(text string) map[string]any {
	read := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		read["Error"] = err.Error()
	}
	return read
}

func answerTemplate(asked question) (*answer, error) {
	name := "t"
	if asked.has("name") {
		given, err := asked.text("name")
		if err != nil {
			return nil, err
		}
		name = given
	}
	text, err := asked.text("template")
	if err != nil {
		return nil, err
	}
	left, err := asked.text("left")
	if err != nil {
		return nil, err
	}
	right, err := asked.text("right")
	if err != nil {
		return nil, err
	}
	missing, err := asked.text("missing_key")
	if err != nil {
		return nil, err
	}
	if missing == "" {
		missing = "error"
	}
	data, err := asked.texts("data")
	if err != nil {
		return nil, err
	}
	started := template.New(name).Option("missingkey=" + missing).Funcs(functions)
	if asked.has("text_times") {
		started = started.Funcs(textTimes)
	}
	parsed, err := started.Delims(left, right).Parse(text)
	if err != nil {
		return failed(err), nil
	}
	var written bytes.Buffer
	if err := parsed.Execute(&written, data); err != nil {
		return failed(err), nil
	}
	return output(written.String()), nil
}
