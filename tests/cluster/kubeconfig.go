package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
)

const clusterName = "extsecret-test"

// identity is a user of the cluster: one context of a kubeconfig. It authenticates with a token
// or, if it has none, with a certificate that writeKubeconfig issues.
type identity struct {
	context, user string
	groups        []string
	token         string
}

// writeKubeconfig writes a kubeconfig with one context per identity; the first is the current one.
// It appears whole or not at all, so that a reader may wait for the file.
func writeKubeconfig(file, server string, ca *keyPair, identities ...identity) error {
	base64 := base64.StdEncoding.EncodeToString
	var contexts, users []any
	for _, id := range identities {
		auth := map[string]any{}
		if id.token != "" {
			auth["token"] = id.token
		} else {
			pair, err := ca.issue(id.user, id.groups...)
			if err != nil {
				return err
			}
			key, err := pair.keyPEM()
			if err != nil {
				return err
			}
			auth["client-certificate-data"], auth["client-key-data"] = base64(pair.certificatePEM()), base64(key)
		}
		users = append(users, map[string]any{"name": id.user, "user": auth})
		contexts = append(contexts, map[string]any{"name": id.context, "context": map[string]any{
			"cluster": clusterName, "user": id.user, "namespace": "default"}})
	}
	text, err := json.MarshalIndent(map[string]any{ // JSON is YAML
		"apiVersion": "v1", "kind": "Config", "current-context": identities[0].context,
		"clusters": []any{map[string]any{"name": clusterName, "cluster": map[string]any{
			"server": server, "certificate-authority-data": base64(ca.certificatePEM())}}},
		"users": users, "contexts": contexts,
	}, "", "  ")
	if err != nil {
		return err
	}
	temporary := file + ".tmp"
	if err := os.WriteFile(temporary, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}
