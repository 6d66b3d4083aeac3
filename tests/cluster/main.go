// Command cluster is a real Kubernetes control plane in one program, for the tests of this
// repository: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and nodes whose pods
// only pretend to run. It needs no container engine and no privileges, and takes one loopback port.
//
//	cluster up --dir DIR [flags]   start everything, print one READY line, stay until told to stop
//	cluster PART [flags]           one part: etcd, apiserver, controller-manager, scheduler or nodes
//
// "up" runs each part as a child process of its own, because each keeps global state (feature
// gates, log settings, flags) and would end the whole process when it ends.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // time zones of CronJobs, on machines that have no zone files

	"k8s.io/component-base/cli"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// Files that a part inherits from "up", by number.
const (
	lifelineFile = 3 // the reading end of a pipe that "up" holds open as long as it lives
	listenerFile = 4 // the API server only: its listening socket
)

const usage = "usage: cluster up|etcd|apiserver|controller-manager|scheduler|nodes [flags]"

func main() {
	if len(os.Args) < 2 {
		fail(errors.New(usage))
	}
	command, args := os.Args[1], os.Args[2:]
	// The components name themselves after os.Args[0], and cobra reads the flags from the rest.
	os.Args = append([]string{"cluster-" + command}, args...)
	if command == "up" {
		if err := up(args); err != nil {
			fail(err)
		}
		return
	}
	endWithParent()
	var err error
	switch command {
	case "etcd":
		err = runEtcd(args)
	case "apiserver":
		err = runAPIServer(args)
	case "controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "nodes":
		err = runNodes(args)
	default:
		err = fmt.Errorf("unknown command %q; %s", command, usage)
	}
	if err != nil {
		fail(err)
	}
}

// endWithParent ends this process as soon as "up" is gone, however it went. The kernel closes the
// pipe even on SIGKILL, on every Unix, and whichever thread of "up" started the part.
func endWithParent() {
	lifeline := os.NewFile(lifelineFile, "lifeline")
	go func() {
		_, _ = io.Copy(io.Discard, lifeline)
		fail(errors.New(`the process that ran "cluster up" is gone`))
	}()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "cluster:", err)
	os.Exit(1)
}
