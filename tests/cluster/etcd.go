package main

import (
	"flag"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd listens on sockets in the working directory, so that it takes no port. Their paths are
// relative: an absolute one could be longer than the 107 bytes a socket address may have.
const (
	etcdClientSocket = "etcd.sock"
	etcdPeerSocket   = "etcd-peer.sock"
)

// runEtcd is an etcd of one member.
func runEtcd(args []string) error {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	data := flags.String("data-dir", "", "data directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config := embed.NewConfig()
	config.Name, config.Dir = "extsecret-test", *data
	// etcd writes the path of a relative socket where the host of a URL stands.
	config.ListenClientUrls = []url.URL{{Scheme: "unix", Host: etcdClientSocket}}
	config.AdvertiseClientUrls = config.ListenClientUrls
	config.ListenPeerUrls = []url.URL{{Scheme: "unix", Host: etcdPeerSocket}}
	config.AdvertisePeerUrls = config.ListenPeerUrls
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.UnsafeNoFsync = true // a test's data may be lost with the machine
	config.LogLevel, config.LogOutputs = "warn", []string{"stderr"}
	config.TickMs, config.ElectionMs = 50, 500 // a lone member elects itself sooner
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-stop:
		etcd.Close()
		return nil
	case err := <-etcd.Err():
		return err
	}
}
