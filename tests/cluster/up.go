package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// controllers are those that a test of workloads, Secrets, owners and namespaces needs. Without
// the node-lifecycle controller nodes need no heartbeats.
var controllers = []string{
	"serviceaccount-token-controller", "serviceaccount-controller", "root-ca-certificate-publisher-controller",
	"namespace-controller", "garbage-collector-controller", "pod-garbage-collector-controller",
	"resourcequota-controller", "deployment-controller", "replicaset-controller", "statefulset-controller",
	"daemonset-controller", "job-controller", "cronjob-controller", "disruption-controller",
	"endpointslice-controller", "clusterrole-aggregation-controller", "ttl-after-finished-controller",
	"validatingadmissionpolicy-status-controller",
}

// startDeadline is far beyond a start on a busy machine (12 s were seen): it only ends a hang.
const startDeadline = 3 * time.Minute

// settings are the flags of "up".
type settings struct {
	dir                    string
	nodes                  int
	withStdin              bool
	verbosity              int
	users, crds, apiserver repeated
}

// repeated is a flag that may be given several times.
type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, " ") }
func (r *repeated) Set(v string) error { *r = append(*r, v); return nil }

func parseSettings(args []string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	flags.StringVar(&s.dir, "dir", "", "an empty or new directory for state, logs and the kubeconfig (required)")
	flags.IntVar(&s.nodes, "nodes", 1, "number of nodes")
	flags.BoolVar(&s.withStdin, "with-stdin", false, "stop when standard input closes")
	flags.IntVar(&s.verbosity, "v", 0, "log verbosity of the components")
	flags.Var(&s.users, "user", "NAME[:GROUP,GROUP]: a further user with no rights, as a context of that name (repeatable)")
	flags.Var(&s.crds, "crds", "YAML file of CRDs to create before the controllers start, so that garbage collection knows them at once (repeatable)")
	flags.Var(&s.apiserver, "apiserver-arg", "a further flag of kube-apiserver (repeatable)")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if s.dir == "" {
		return nil, errors.New("up: --dir is required")
	}
	var err error
	s.dir, err = filepath.Abs(s.dir)
	return s, err
}

func (s *settings) file(name string) string { return filepath.Join(s.dir, name) }

// up starts the parts and keeps them until a signal, the end of standard input, or the end of one.
func up(args []string) error {
	began := time.Now()
	s, err := parseSettings(args)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if s.withStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop <- syscall.SIGTERM
		}()
	}
	if err := os.MkdirAll(s.file("logs"), 0o700); err != nil {
		return err
	}

	// "up" holds the port as long as it lives, so that clients wait, rather than see a refused
	// connection or a stranger, while the API server restarts.
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)
	_ = listener.Close() // socket, a duplicate, stays open
	server := "https://" + address.String()

	ca, err := newAuthority()
	if err != nil {
		return err
	}
	adminToken := rand.Text()
	identities, err := writeCredentials(s, ca, server, adminToken)
	if err != nil {
		return err
	}

	parts, err := newSupervisor(s.dir)
	if err != nil {
		return err
	}
	defer func() {
		parts.killAll()
		_ = os.RemoveAll(s.file("etcd")) // it allocates 64 MB files; the rest is small, and tells what happened
	}()
	if err := parts.start("etcd", nil, "--data-dir=etcd"); err != nil {
		return err
	}
	apiserverArgs := apiserverFlags(s, address.Port)
	if err := parts.start("apiserver", []*os.File{socket}, apiserverArgs...); err != nil {
		return err
	}

	api := newProbe(server, adminToken, ca)
	await := func(what string, ready func() bool) error {
		deadline := time.After(startDeadline)
		for !ready() {
			select {
			case p := <-parts.ended:
				if err := parts.failure(p); err != nil {
					return err
				}
			case by := <-stop:
				return fmt.Errorf("%s before %s was ready", by, what)
			case <-deadline:
				return fmt.Errorf("%s was not ready after %s; the API server said:\n%s", what, startDeadline, tail(parts.log("apiserver")))
			case <-time.After(25 * time.Millisecond):
			}
		}
		return nil
	}
	apiserverReady := func() bool { return api.has("/readyz") }
	if err := await("the API server", apiserverReady); err != nil {
		return err
	}
	apiserverTook := time.Since(began)
	for _, file := range s.crds {
		if err := api.createDefinitions(file); err != nil {
			return err
		}
	}

	// qps and burst: the defaults are made for clusters that share a server.
	common := []string{"--kube-api-qps=500", "--kube-api-burst=1000", "--leader-elect=false", "--secure-port=0", s.verbosityFlag()}
	if err := parts.start("controller-manager", nil, append([]string{
		"--kubeconfig=controller-manager.kubeconfig",
		"--controllers=" + strings.Join(controllers, ","),
		"--use-service-account-credentials=true", // the roles that RBAC knows are those of each controller
		"--service-account-private-key-file=sa.key", "--root-ca-file=ca.crt",
	}, common...)...); err != nil {
		return err
	}
	if err := parts.start("scheduler", nil, append([]string{"--kubeconfig=scheduler.kubeconfig"}, common...)...); err != nil {
		return err
	}
	if s.nodes > 0 {
		if err := parts.start("nodes", nil, "--kubeconfig=nodes.kubeconfig", fmt.Sprintf("--count=%d", s.nodes)); err != nil {
			return err
		}
		last := "/api/v1/nodes/" + nodeName(s.nodes-1)
		if err := await("the last node", func() bool { return api.has(last) }); err != nil {
			return err
		}
	}
	if err := await("the default namespace", func() bool {
		return api.has("/api/v1/namespaces/default/serviceaccounts/default", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
	}); err != nil {
		return err
	}
	kubeconfig := s.file("kubeconfig")
	if err := writeKubeconfig(kubeconfig, server, ca, identities...); err != nil {
		return err
	}
	if err := report("READY", map[string]any{
		"kubeconfig": kubeconfig, "server": server, "dir": s.dir, "pid": os.Getpid(), "pids": parts.pids(),
		"apiserver_ms": apiserverTook.Milliseconds(), "start_ms": time.Since(began).Milliseconds(),
	}); err != nil {
		return err
	}

	restart := make(chan os.Signal, 1)
	signal.Notify(restart, syscall.SIGUSR1)
	for {
		select {
		case <-stop:
			return nil
		case p := <-parts.ended:
			if err := parts.failure(p); err != nil {
				return err
			}
		case <-restart:
			parts.kill("apiserver")
			if err := parts.start("apiserver", []*os.File{socket}, apiserverArgs...); err != nil {
				return err
			}
			if err := await("the API server", apiserverReady); err != nil {
				return err
			}
			if err := report("RESTARTED", map[string]any{"pids": parts.pids()}); err != nil {
				return err
			}
		}
	}
}

// writeCredentials writes the files that the parts read, and returns who the kubeconfig is for.
func writeCredentials(s *settings, ca *keyPair, server, adminToken string) ([]identity, error) {
	serving, err := ca.issue("kube-apiserver")
	if err != nil {
		return nil, err
	}
	tokenSigner, err := newAuthority() // signs the tokens of service accounts; only its key matters
	if err != nil {
		return nil, err
	}
	for name, pair := range map[string]*keyPair{"ca": ca, "apiserver": serving, "sa": tokenSigner} {
		if err := pair.write(s.file(name)); err != nil {
			return nil, err
		}
	}
	const administrators = "system:masters"
	for name, id := range map[string]identity{
		// RBAC's built-in roles are bound to these two names.
		"controller-manager": {user: "system:kube-controller-manager"},
		"scheduler":          {user: "system:kube-scheduler"},
		"nodes":              {user: "extsecret-test-nodes", groups: []string{administrators}},
	} {
		id.context = clusterName
		if err := writeKubeconfig(s.file(name+".kubeconfig"), server, ca, id); err != nil {
			return nil, err
		}
	}

	identities := []identity{{context: "admin", user: "admin", groups: []string{administrators}}}
	var tokens strings.Builder // CSV: token, user, uid, "group,group"
	fmt.Fprintf(&tokens, "%s,extsecret-test-probe,probe,%q\n", adminToken, administrators)
	for _, user := range s.users {
		name, groups, _ := strings.Cut(user, ":")
		token := rand.Text()
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", token, name, name, groups)
		identities = append(identities, identity{context: name, user: name, token: token})
	}
	return identities, os.WriteFile(s.file("tokens.csv"), []byte(tokens.String()), 0o600)
}

// apiserverFlags are those of kube-apiserver; files are relative to its working directory.
func apiserverFlags(s *settings, port int) []string {
	return append([]string{
		"--etcd-servers=unix://" + etcdClientSocket,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--advertise-address=127.0.0.1",   // else it looks for a default route, and fails without one
		"--endpoint-reconciler-type=none", // else it complains that 127.0.0.1 is no valid endpoint
		"--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key",
		"--client-ca-file=ca.crt", "--token-auth-file=tokens.csv",
		"--authorization-mode=RBAC", "--anonymous-auth=false",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		// The certificate, since it does not read public keys out of this form of private key.
		"--service-account-signing-key-file=sa.key", "--service-account-key-file=sa.crt",
		"--service-cluster-ip-range=10.0.0.0/24", "--allow-privileged=true",
		// It taints each new node not-ready, and the controller that would undo it is not run.
		"--disable-admission-plugins=TaintNodesByCondition",
		"--profiling=false", "--shutdown-delay-duration=0s", s.verbosityFlag(),
	}, s.apiserver...)
}

func (s *settings) verbosityFlag() string { return fmt.Sprintf("-v=%d", s.verbosity) }

// report prints a line for whoever runs "up": a word and a JSON object.
func report(word string, content map[string]any) error {
	line, err := json.Marshal(content)
	if err == nil {
		_, err = fmt.Printf("%s %s\n", word, line)
	}
	return err
}
