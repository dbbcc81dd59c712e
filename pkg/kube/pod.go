package kube

import (
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
)

// pod is as much of a pod as tells where the host in it takes its drivers from.
// Environment and arguments are not read.
type pod struct {
	Metadata struct {
		Name              string            `json:"name"`
		Namespace         string            `json:"namespace"`
		Labels            map[string]string `json:"labels"`
		DeletionTimestamp string            `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec   podSpec `json:"spec"`
	Status struct {
		Phase                 string            `json:"phase"`
		ContainerStatuses     []containerStatus `json:"containerStatuses"`
		InitContainerStatuses []containerStatus `json:"initContainerStatuses"`
	} `json:"status"`
}

type podSpec struct {
	Volumes        []volume    `json:"volumes"`
	InitContainers []container `json:"initContainers"`
	Containers     []container `json:"containers"`
}

type volume struct {
	Name  string `json:"name"`
	Image *struct {
		Reference string `json:"reference"`
	} `json:"image"`
	EmptyDir *struct{} `json:"emptyDir"`
}

type container struct {
	Name         string  `json:"name"`
	Image        string  `json:"image"`
	VolumeMounts []mount `json:"volumeMounts"`
}

type mount struct {
	Name        string `json:"name"`
	MountPath   string `json:"mountPath"`
	SubPath     string `json:"subPath"`
	SubPathExpr string `json:"subPathExpr"`
}

// containerStatus is what the kubelet says of a container that it started.
type containerStatus struct {
	Name         string `json:"name"`
	ImageID      string `json:"imageID"`
	VolumeMounts []struct {
		Name         string `json:"name"`
		VolumeStatus struct {
			Image struct {
				ImageRef string `json:"imageRef"`
			} `json:"image"`
		} `json:"volumeStatus"`
	} `json:"volumeMounts"`
}

// managerName is the name of the container in which the host runs. There are others
// if something else adds them: a webhook a sidecar, say.
const managerName = "manager"

// manager is the container in which the host runs, the first where none has the name.
func (s *podSpec) manager() container {
	i := slices.IndexFunc(s.Containers, func(c container) bool { return c.Name == managerName })
	switch {
	case i >= 0:
		return s.Containers[i]
	case len(s.Containers) > 0:
		return s.Containers[0]
	}
	return container{}
}

// source is where the host in a pod takes its drivers from.
type source struct {
	images []image // of the volume, of what filled it, or of the manager; none if it is another volume
	mount  string  // path of the volume; "" if nothing is mounted and the manager's image is all there is
	empty  bool    // the volume at mount has nothing in it
}

// image is what a pod calls an image, and its digest as far as that is known.
type image struct {
	reference string
	digest    digest.Digest
}

// imageOf is an image by its reference, or else by what the kubelet says of it.
func imageOf(reference, status string) image {
	for _, r := range []string{reference, status} {
		if _, d, ok := strings.Cut(r, "@"); ok {
			return image{reference, digest.Digest(d)}
		}
	}
	return image{reference: reference}
}

// drivers tells where the host takes its drivers from: the first of folders for
// which something is mounted. folders are in the host's order.
func (p *pod) drivers(folders []string) source {
	for _, m := range p.Spec.manager().VolumeMounts {
		// A file in the working directory comes before them all.
		if at := path.Clean(m.MountPath); strings.HasPrefix(at, "/schemahero-") {
			return source{mount: at}
		}
	}
	for _, folder := range folders {
		if m, ok := p.Spec.over(folder); ok {
			return p.mounted(m, folder)
		}
	}
	m := p.Spec.manager()
	return source{images: []image{imageOf(m.Image, imageID(p.Status.ContainerStatuses, m.Name))}}
}

// over returns the mount that decides what the host finds in a folder: one of a
// single file in it, the folder's own, or one around it that may hold the folder.
func (s *podSpec) over(folder string) (decides mount, ok bool) {
	depth := 0
	for _, m := range s.manager().VolumeMounts {
		at := path.Clean(m.MountPath)
		switch {
		case within(at, folder):
			depth = len(folder) + 1
		case at == folder && depth < len(folder):
			depth = len(folder)
		case within(folder, at) && depth < len(at) && !s.isEmpty(m.Name):
			depth = len(at)
		default:
			continue
		}
		decides, ok = m, true
	}
	return decides, ok
}

// within reports whether a path is below a folder.
func within(at, folder string) bool {
	return strings.HasPrefix(at, strings.TrimSuffix(folder, "/")+"/") && at != folder
}

// isEmpty reports whether a volume begins empty and no init container fills it.
func (s *podSpec) isEmpty(name string) bool {
	i := slices.IndexFunc(s.Volumes, func(v volume) bool { return v.Name == name })
	return i >= 0 && s.Volumes[i].EmptyDir != nil && len(s.fill(name)) == 0
}

// fill returns the init containers that have a volume.
func (s *podSpec) fill(name string) (out []container) {
	for _, c := range s.InitContainers {
		if slices.ContainsFunc(c.VolumeMounts, func(m mount) bool { return m.Name == name }) {
			out = append(out, c)
		}
	}
	return out
}

// mounted reports what a mount gives the host: an image where a volume is one, or was
// filled by one, and the whole of it is the folder.
func (p *pod) mounted(m mount, folder string) source {
	s := source{mount: path.Clean(m.MountPath), empty: p.Spec.isEmpty(m.Name)}
	i := slices.IndexFunc(p.Spec.Volumes, func(v volume) bool { return v.Name == m.Name })
	if i < 0 || s.mount != folder || m.SubPath != "" || m.SubPathExpr != "" {
		return s
	}
	switch v := p.Spec.Volumes[i]; {
	case v.Image != nil:
		s.images = []image{imageOf(v.Image.Reference, volumeRef(p.Status.ContainerStatuses, p.Spec.manager().Name, v.Name))}
	case v.EmptyDir != nil:
		for _, c := range p.Spec.fill(v.Name) {
			s.images = append(s.images, imageOf(c.Image, imageID(p.Status.InitContainerStatuses, c.Name)))
		}
	}
	return s
}

func imageID(statuses []containerStatus, name string) string {
	for _, s := range statuses {
		if s.Name == name {
			return s.ImageID
		}
	}
	return ""
}

// volumeRef is what the kubelet says that it mounted into a container as a volume.
func volumeRef(statuses []containerStatus, name, volume string) string {
	for _, s := range statuses {
		for _, m := range s.VolumeMounts {
			if s.Name == name && m.Name == volume {
				return m.VolumeStatus.Image.ImageRef
			}
		}
	}
	return ""
}
