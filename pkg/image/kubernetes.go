package image

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// ManagerFolder is where drivers are mounted: the folder of the manager's user, in
// which the host looks before any that an image may fill. It is read-only then, so
// that the host's own download finds no place to write.
const ManagerFolder = "/home/schemahero-manager/.schemahero/plugins"

// Copier is an image with a static busybox, which runs in an image without any
// other file: the variant musl, which docker-library builds for every platform that
// drivers are published for. It is rebuilt under its tag, so a digest is better.
// https://github.com/docker-library/official-images/blob/master/library/busybox
const Copier = "docker.io/library/busybox:1.37.0-musl"

// PolicyOptions say what a policy does, and to whom. The zero value is what a
// cluster of Kubernetes 1.36 or later takes.
type PolicyOptions struct {
	Name       string   // of the objects; "" for schemahero-drivers
	Lock       string   // name of the lock's file, for the comment at the top
	Namespaces []string // none: all
	Mount      string   // absolute path; "" for ManagerFolder
	Pods       bool     // act on pods, not on StatefulSets
	Copier     string   // image with /bin/busybox, of an init container that copies the drivers; "": an image volume
	Deny       bool     // refuse pods that do not run the image
	Beta       bool     // v1beta1 of the API, for clusters before 1.36
	PullSecret string   // of the image's registry, in each namespace; "" for none
}

// OtherError says that a reference names another image than that of the lock.
type OtherError struct {
	Repository    string
	Named, Locked digest.Digest
	Lock          string // name of the lock's file
}

func (e *OtherError) Error() string {
	return fmt.Sprintf("%s@%s: is not the image of %s, which is %s", e.Repository, e.Named, e.Lock, e.Locked)
}

func (e *OtherError) Kind() fault.Kind { return fault.Stale }

// OptionError says what is wrong with one of PolicyOptions.
type OptionError struct{ Value, Problem string }

func (e *OptionError) Error() string    { return e.Value + ": " + e.Problem }
func (e *OptionError) Kind() fault.Kind { return fault.Usage }

// Folders are those in which the host in a manager image looks for drivers,
// beside its working directory, which is the root.
func Folders() []string {
	return []string{"/plugins/bin", ManagerFolder, "/usr/local/lib/schemahero/plugins", "/var/lib/schemahero/plugins"}
}

// Searched reports whether the host in a manager image looks for drivers in a
// folder.
func Searched(folder string) bool { return slices.Contains(Folders(), path.Clean(folder)) }

//go:embed kubernetes.tmpl
var policyText string

// Policy writes what makes a cluster mount an image into the pods that SchemaHero's
// operator makes for Databases: YAML to commit and to apply. The repository is
// HOST/PATH. The same arguments give the same bytes. Errors: those of Check.
func Policy(repository string, d digest.Digest, o PolicyOptions) ([]byte, error) {
	if err := o.Check(repository); err != nil {
		return nil, err
	}
	o.normalize()
	text, err := template.New("").Funcs(template.FuncMap{"join": strings.Join}).Parse(policyText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = text.Execute(&b, policy{PolicyOptions: o, Image: repository + "@" + d.String(), Folders: foldersWith(o.Mount)})
	return b.Bytes(), err
}

// policy is what the template is filled with.
type policy struct {
	PolicyOptions
	Image   string
	Folders []string
}

// Spec is a path to the pod's spec, in CEL and, with "/" for separator, in JSON.
func (p policy) Spec(separator string) string {
	if p.Pods {
		return "spec"
	}
	return strings.Join([]string{"spec", "template", "spec"}, separator)
}

// foldersWith are the folders in which no other volume may lie, each with a slash
// at its end.
func foldersWith(mount string) []string {
	folders := Folders()
	if !slices.Contains(folders, mount) {
		folders = append(folders, mount)
	}
	for i := range folders {
		folders[i] += "/"
	}
	return folders
}

// What Kubernetes allows in names: RFC 1123's labels, and several of them with dots
// between. Nothing that these or a path match has to be quoted in YAML, JSON or CEL.
const (
	label     = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
	maxLabel  = 63
	maxName   = 253
	mountPath = `(/[-A-Za-z0-9._+@=]+)+`

	// Of an image, as the kubelet reads it.
	imageHost = `([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(:[0-9]+)?`
	imagePart = `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
	imageName = `(` + imageHost + `/)?` + imagePart + `(/` + imagePart + `)*(:[A-Za-z0-9_][-A-Za-z0-9._]{0,127})?(@sha256:[0-9a-f]{64})?`
)

func matches(pattern, s string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(s)
}

func isName(s string) bool { return len(s) <= maxName && matches(label+`(\.`+label+`)*`, s) }

// normalize fills in what is not said.
func (o *PolicyOptions) normalize() {
	o.Name = cmp.Or(o.Name, "schemahero-drivers")
	o.Mount = path.Clean(cmp.Or(o.Mount, ManagerFolder))
	o.Namespaces = slices.Compact(slices.Sorted(slices.Values(o.Namespaces)))
}

// Check reports whether a policy can be written for an image in a repository: a
// cluster takes one whose expressions it cannot compile, and then refuses every pod.
// Errors: *OptionError, *artifact.RepositoryError.
func (o PolicyOptions) Check(repository string) error {
	if err := checkRepository(repository); err != nil {
		return err
	}
	o.normalize()
	if !isName(o.Name) {
		return &OptionError{strconv.Quote(o.Name), "is not the name of an object: use lower case letters, digits, - and ."}
	}
	for _, n := range o.Namespaces {
		if len(n) > maxLabel || !matches(label, n) {
			return &OptionError{strconv.Quote(n), "is not the name of a namespace: use lower case letters, digits and -"}
		}
	}
	if o.PullSecret != "" && !isName(o.PullSecret) {
		return &OptionError{strconv.Quote(o.PullSecret), "is not the name of a secret: use lower case letters, digits, - and ."}
	}
	switch {
	case !path.IsAbs(o.Mount):
		return &OptionError{strconv.Quote(o.Mount), "is not an absolute path"}
	case !matches(mountPath, o.Mount):
		return &OptionError{strconv.Quote(o.Mount), "is not a directory to mount drivers at: use letters, digits and -._+@="}
	case o.Copier != "" && !matches(imageName, o.Copier):
		return &OptionError{strconv.Quote(o.Copier), "is not an image"}
	}
	return nil
}

// checkRepository checks that a repository is one that a cluster understands as this
// program does: without a host a cluster takes docker.io's.
func checkRepository(repository string) error {
	host, _, _ := strings.Cut(repository, "/")
	switch {
	case strings.HasPrefix(repository, artifact.LayoutScheme):
		return &OptionError{repository, "is a folder, from which no cluster pulls"}
	case host != "localhost" && !strings.ContainsAny(host, ".:"):
		return &OptionError{strconv.Quote(repository), "begins with the registry's host, like docker.io"}
	}
	return artifact.CheckRepository(repository)
}
