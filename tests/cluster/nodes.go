package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-base/version"
)

// kubelets plays the kubelets of all nodes. Pods bound to a node become Running and Ready (those
// of a Job: Succeeded), wait with CreateContainerConfigError for the Secrets and ConfigMaps they
// name, and go away once they are deleted. No container runs.
type kubelets struct {
	client    kubernetes.Interface
	addresses map[string]string // of the nodes, by name
	pods      cache.SharedIndexInformer
	queue     workqueue.TypedRateLimitingInterface[string]
	podIPs    atomic.Uint32
}

func runNodes(args []string) error {
	flags := flag.NewFlagSet("nodes", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "an administrator's kubeconfig")
	count := flags.Int("count", 1, "number of nodes")
	workers := flags.Int("workers", 16, "pods worked on at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // no limit: tests roll out hundreds of pods at once
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.UserAgent = "extsecret-test-nodes"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	k := &kubelets{client: client, addresses: map[string]string{}}
	for i := range *count {
		name, address := nodeName(i), fmt.Sprintf("10.1.0.%d", i+1)
		if err := createNode(ctx, client, name, address); err != nil {
			return fmt.Errorf("creating %s: %w", name, err)
		}
		k.addresses[name] = address
	}

	bound := func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(bound))
	k.pods = factory.Core().V1().Pods().Informer()
	k.queue = workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](50*time.Millisecond, 2*time.Second))
	defer k.queue.ShutDown()
	enqueue := func(object any) {
		if key, err := cache.MetaNamespaceKeyFunc(object); err == nil {
			k.queue.Add(key)
		}
	}
	if _, err := k.pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, object any) { enqueue(object) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for range *workers {
		go wait.UntilWithContext(ctx, k.work, time.Second)
	}
	<-ctx.Done()
	return nil
}

func nodeName(i int) string { return fmt.Sprintf("node-%d", i) }

func createNode(ctx context.Context, client kubernetes.Interface, name, address string) error {
	now := metav1.Now()
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"), corev1.ResourcePods: resource.MustParse("5000"),
	}
	_, err := client.CoreV1().Nodes().Create(ctx, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"}},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}},
			NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "linux", Architecture: "amd64",
				KubeletVersion: version.Get().GitVersion},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue,
				Reason: "KubeletReady", LastHeartbeatTime: now, LastTransitionTime: now}},
		},
	}, metav1.CreateOptions{})
	return err
}

// work takes pods from the queue until it shuts down.
func (k *kubelets) work(ctx context.Context) {
	for {
		key, down := k.queue.Get()
		if down {
			return
		}
		again, err := k.sync(ctx, key)
		switch {
		case err != nil && !apierrors.IsNotFound(err): // not found: the pod went away meanwhile
			fmt.Fprintln(os.Stderr, time.Now().Format(time.RFC3339), key, err)
			k.queue.AddRateLimited(key)
		case again > 0:
			k.queue.AddAfter(key, again)
		default:
			k.queue.Forget(key)
		}
		k.queue.Done(key)
	}
}
