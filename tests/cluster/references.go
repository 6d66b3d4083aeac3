package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	secretKind    = "secret"
	configMapKind = "configmap"
)

// reference is a Secret or ConfigMap, or a key of one, without which no container starts.
type reference struct{ kind, name, key string }

// missing names the first reference of the pod that is not there, in a kubelet's words; "" if all are.
func (k *kubelets) missing(ctx context.Context, pod *corev1.Pod) (string, error) {
	for _, r := range references(pod) {
		found, err := k.lookUp(ctx, pod.Namespace, r)
		switch {
		case apierrors.IsNotFound(err):
			return fmt.Sprintf("%s %q not found", r.kind, r.name), nil
		case err != nil:
			return "", err
		case !found:
			return fmt.Sprintf("couldn't find key %s in %s %s/%s", r.key, r.kind, pod.Namespace, r.name), nil
		}
	}
	return "", nil
}

// lookUp says whether the object has the key; its error says whether there is such an object.
func (k *kubelets) lookUp(ctx context.Context, namespace string, r reference) (bool, error) {
	if r.kind == secretKind {
		secret, err := k.client.CoreV1().Secrets(namespace).Get(ctx, r.name, metav1.GetOptions{})
		if err != nil || r.key == "" {
			return true, err
		}
		_, found := secret.Data[r.key]
		return found, nil
	}
	configMap, err := k.client.CoreV1().ConfigMaps(namespace).Get(ctx, r.name, metav1.GetOptions{})
	if err != nil || r.key == "" {
		return true, err
	}
	_, found := configMap.Data[r.key]
	if !found {
		_, found = configMap.BinaryData[r.key]
	}
	return found, nil
}

// references collects from environment variables and volumes what is not marked optional.
func references(pod *corev1.Pod) []reference {
	var list []reference
	add := func(kind, name, key string, optional *bool) {
		if name != "" && (optional == nil || !*optional) {
			list = append(list, reference{kind, name, key})
		}
	}
	addVolume := func(kind, name string, items []corev1.KeyToPath, optional *bool) {
		add(kind, name, "", optional)
		for _, item := range items {
			add(kind, name, item.Key, optional)
		}
	}
	containers := append(append([]corev1.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...)
	for _, c := range containers {
		for _, from := range c.EnvFrom {
			if s := from.SecretRef; s != nil {
				add(secretKind, s.Name, "", s.Optional)
			}
			if m := from.ConfigMapRef; m != nil {
				add(configMapKind, m.Name, "", m.Optional)
			}
		}
		for _, variable := range c.Env {
			if variable.ValueFrom == nil {
				continue
			}
			if s := variable.ValueFrom.SecretKeyRef; s != nil {
				add(secretKind, s.Name, s.Key, s.Optional)
			}
			if m := variable.ValueFrom.ConfigMapKeyRef; m != nil {
				add(configMapKind, m.Name, m.Key, m.Optional)
			}
		}
	}
	for _, volume := range pod.Spec.Volumes {
		if s := volume.Secret; s != nil {
			addVolume(secretKind, s.SecretName, s.Items, s.Optional)
		}
		if m := volume.ConfigMap; m != nil {
			addVolume(configMapKind, m.Name, m.Items, m.Optional)
		}
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if s := source.Secret; s != nil {
				addVolume(secretKind, s.Name, s.Items, s.Optional)
			}
			if m := source.ConfigMap; m != nil {
				addVolume(configMapKind, m.Name, m.Items, m.Optional)
			}
		}
	}
	return list
}
