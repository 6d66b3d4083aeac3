// ESO's reconcilers of stores and ExternalSecrets, for tests that run them on a cluster.
//
// It says where it listens and when it is ready as extsecret-controller does, so that tests treat both alike.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	esv1alpha1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1alpha1"
	genv1alpha1 "github.com/external-secrets/external-secrets/apis/generators/v1alpha1"
	"github.com/external-secrets/external-secrets/pkg/controllers/common"
	"github.com/external-secrets/external-secrets/pkg/controllers/externalsecret"
	"github.com/external-secrets/external-secrets/pkg/controllers/externalsecret/esmetrics"
	"github.com/external-secrets/external-secrets/pkg/controllers/metrics"
	"github.com/external-secrets/external-secrets/pkg/controllers/secretstore"
	"github.com/external-secrets/external-secrets/pkg/controllers/secretstore/cssmetrics"
	"github.com/external-secrets/external-secrets/pkg/controllers/secretstore/ssmetrics"
)

func main() {
	// The flags of a start by the tests; neither address is chosen by them.
	flag.String("metrics-addr", "", "not used")
	flag.String("live-addr", "", "not used")
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "eso:", err)
		os.Exit(1)
	}
}

func run() error {
	ctrl.SetLogger(zap.New())
	types := runtime.NewScheme()
	adders := []func(*runtime.Scheme) error{scheme.AddToScheme, esv1.AddToScheme, esv1alpha1.AddToScheme, genv1alpha1.AddToScheme}
	for _, add := range adders {
		if err := add(types); err != nil {
			return err
		}
	}
	metrics.SetUpLabelNames(false)
	esmetrics.SetUpMetrics()
	ssmetrics.SetUpMetrics()
	cssmetrics.SetUpMetrics()

	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 200, 400
	uncached := []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  types,
		Metrics: server.Options{BindAddress: "0"},
		Client:  client.Options{Cache: &client.CacheOptions{DisableFor: uncached}},
	})
	if err != nil {
		return err
	}
	if err := reconcile(manager, types); err != nil {
		return err
	}
	stop := ctrl.SetupSignalHandler()
	var ready atomic.Bool
	go func() { ready.Store(manager.GetCache().WaitForCacheSync(stop)) }()
	if err := listen(&ready); err != nil {
		return err
	}
	return manager.Start(stop)
}

func reconcile(manager ctrl.Manager, types *runtime.Scheme) error {
	secrets, err := common.BuildManagedSecretClient(manager, "")
	if err != nil {
		return err
	}
	options := controller.Options{MaxConcurrentReconciles: 4, RateLimiter: common.BuildRateLimiter()}
	log := ctrl.Log.WithName("eso")
	store := &secretstore.StoreReconciler{
		Client: manager.GetClient(), Log: log, Scheme: types, ControllerClass: "default", RequeueInterval: 5 * time.Minute,
	}
	if err := store.SetupWithManager(manager, options); err != nil {
		return err
	}
	clusterStore := &secretstore.ClusterStoreReconciler{
		Client: manager.GetClient(), Log: log, Scheme: types, ControllerClass: "default", RequeueInterval: 5 * time.Minute,
	}
	if err := clusterStore.SetupWithManager(manager, options); err != nil {
		return err
	}
	return (&externalsecret.Reconciler{
		Client:                    manager.GetClient(),
		SecretClient:              secrets,
		Log:                       log,
		Scheme:                    types,
		RestConfig:                manager.GetConfig(),
		ControllerClass:           "default",
		RequeueInterval:           time.Hour,
		ClusterSecretStoreEnabled: true,
		EnableFloodGate:           true,
	}).SetupWithManager(manager, options)
}

func listen(ready *atomic.Bool) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	line, err := json.Marshal(map[string]string{"message": "listening", "live": address, "metrics": address})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	answer := func(writer http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			writer.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	go func() { _ = http.Serve(listener, http.HandlerFunc(answer)) }()
	return nil
}
