package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A pod may ask, by annotation, for another fate than to be Ready at once.
const (
	readyAfterAnnotation = "extsecret.test/ready-after" // a Go duration: Running at once, Ready that much later
	crashAnnotation      = "extsecret.test/crash"       // "true": CrashLoopBackOff, never Ready
)

// missingInterval is how often a pod looks again for a Secret or ConfigMap that it lacks.
const missingInterval = 100 * time.Millisecond

// fate is what becomes of the containers of a pod at this moment.
type fate struct {
	waiting, message string // why they do not run; empty if they do
	ready, completed bool
	again            time.Duration // when to look again; 0 for not unless the pod changes
}

// sync brings one pod one step further, and says when to look at it again.
func (k *kubelets) sync(ctx context.Context, key string) (time.Duration, error) {
	object, found, err := k.pods.GetStore().GetByKey(key)
	if err != nil || !found {
		return 0, err
	}
	pod := object.(*corev1.Pod)
	if pod.DeletionTimestamp != nil {
		return 0, k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64), Preconditions: &metav1.Preconditions{UID: &pod.UID}})
	}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return 0, nil
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return 0, nil
		}
	}

	now := metav1.Now()
	status := pod.Status.DeepCopy()
	if status.StartTime == nil {
		status.StartTime = &now
		status.HostIP = k.addresses[pod.Spec.NodeName]
		n := k.podIPs.Add(1)
		status.PodIP = fmt.Sprintf("10.%d.%d.%d", 2+n>>16, n>>8&255, n&255)
		status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	}
	next, err := k.decide(ctx, pod, status.StartTime.Time)
	if err != nil {
		return 0, err
	}
	next.write(pod, status, now)
	// The UID: the patch must not reach a new pod of the same name.
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": status})
	if err != nil {
		return 0, err
	}
	_, err = k.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return next.again, err
}

func (k *kubelets) decide(ctx context.Context, pod *corev1.Pod, started time.Time) (fate, error) {
	missing, err := k.missing(ctx, pod)
	switch {
	case err != nil:
		return fate{}, err
	case missing != "":
		return fate{waiting: "CreateContainerConfigError", message: missing, again: missingInterval}, nil
	case pod.Annotations[crashAnnotation] == "true":
		return fate{waiting: "CrashLoopBackOff", message: "asked for by annotation"}, nil
	}
	if delay, err := time.ParseDuration(pod.Annotations[readyAfterAnnotation]); err == nil {
		if left := time.Until(started.Add(delay)); left > 0 {
			return fate{again: left}, nil
		}
	}
	owner := metav1.GetControllerOf(pod)
	completes := owner != nil && owner.Kind == "Job" && pod.Spec.RestartPolicy != corev1.RestartPolicyAlways
	return fate{ready: true, completed: completes}, nil
}

// write turns the fate into the status that a kubelet would report.
func (f fate) write(pod *corev1.Pod, status *corev1.PodStatus, now metav1.Time) {
	status.ContainerStatuses = f.containers(pod, status.ContainerStatuses, pod.Spec.Containers, false, now)
	status.InitContainerStatuses = f.containers(pod, status.InitContainerStatuses, pod.Spec.InitContainers, true, now)
	reason := ""
	switch {
	case f.completed:
		status.Phase, reason = corev1.PodSucceeded, "PodCompleted"
	case f.waiting == "CreateContainerConfigError":
		status.Phase, reason = corev1.PodPending, "ContainersNotReady"
	case !f.ready:
		status.Phase, reason = corev1.PodRunning, "ContainersNotReady"
	default:
		status.Phase = corev1.PodRunning
	}
	setCondition(status, corev1.PodReadyToStartContainers, true, "", now)
	setCondition(status, corev1.PodInitialized, f.waiting == "", "", now)
	setCondition(status, corev1.ContainersReady, f.ready && !f.completed, reason, now)
	setCondition(status, corev1.PodReady, f.ready && !f.completed, reason, now)
}

func (f fate) containers(pod *corev1.Pod, before []corev1.ContainerStatus, containers []corev1.Container, init bool, now metav1.Time) []corev1.ContainerStatus {
	var list []corev1.ContainerStatus
	for _, c := range containers {
		sidecar := init && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		runs := f.waiting == "" && (!init || sidecar)
		s := corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: c.Image, Ready: f.ready, Started: &runs}
		switch {
		case f.waiting != "":
			s.State.Waiting = &corev1.ContainerStateWaiting{Reason: f.waiting, Message: f.message}
		case f.completed, init && !sidecar:
			s.State.Terminated = &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}
		default:
			s.State.Running = &corev1.ContainerStateRunning{StartedAt: startedAt(before, c.Name, now)}
		}
		if f.waiting == "" {
			s.ContainerID = fmt.Sprintf("extsecret-test://%s/%s", pod.UID, c.Name)
		}
		list = append(list, s)
	}
	return list
}

// startedAt keeps the time at which a container that runs already was started.
func startedAt(before []corev1.ContainerStatus, name string, now metav1.Time) metav1.Time {
	for _, c := range before {
		if c.Name == name && c.State.Running != nil {
			return c.State.Running.StartedAt
		}
	}
	return now
}

// setCondition keeps the transition time if only the reason changes, as a kubelet does.
func setCondition(status *corev1.PodStatus, kind corev1.PodConditionType, holds bool, reason string, now metav1.Time) {
	c := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, LastTransitionTime: now}
	if holds {
		c.Status = corev1.ConditionTrue
	}
	for i, before := range status.Conditions {
		if before.Type == kind {
			if before.Status == c.Status {
				c.LastTransitionTime = before.LastTransitionTime
			}
			status.Conditions[i] = c
			return
		}
	}
	status.Conditions = append(status.Conditions, c)
}
