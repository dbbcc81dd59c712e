package image

import (
	"bytes"
	_ "embed"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// ManagerFolder is where drivers are mounted: the folder of the manager's user, in
// which the host looks before any that an image may fill. It is read-only then, so
// that the host's own download finds no place to write.
const ManagerFolder = "/home/schemahero-manager/.schemahero/plugins"

// Copier is an image with a static busybox, which runs in an image without any
// other file.
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

// OptionError says what is wrong with one of PolicyOptions.
type OptionError struct{ Value, Problem string }

func (e *OptionError) Error() string { return strings.TrimSpace(e.Value + ": " + e.Problem) }

// Kind is fault.Usage.
func (e *OptionError) Kind() fault.Kind { return fault.Usage }

// Folders are those in which the host in a manager image looks for drivers,
// beside its working directory, which is the root.
func Folders() []string {
	return []string{"/plugins/bin", ManagerFolder, "/usr/local/lib/schemahero/plugins", "/var/lib/schemahero/plugins"}
}

// Searched reports whether the host in a manager image looks for drivers in a
// folder.
func Searched(folder string) bool { return slices.Contains(Folders(), folder) }

//go:embed kubernetes.tmpl
var policyText string

// Policy writes what makes a cluster mount an image into the pods that SchemaHero's
// operator makes for Databases: YAML to commit and to apply. The reference is
// HOST/PATH@DIGEST. The same arguments give the same bytes. Errors: *OptionError,
// *artifact.RepositoryError.
func Policy(reference string, o PolicyOptions) ([]byte, error) {
	if err := checkReference(reference); err != nil {
		return nil, err
	}
	if err := o.normalize(); err != nil {
		return nil, err
	}
	text, err := template.New("").Funcs(template.FuncMap{"join": strings.Join}).Parse(policyText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = text.Execute(&b, policy{PolicyOptions: o, Image: reference, Folders: foldersWith(o.Mount)})
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
)

func matches(pattern, s string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(s)
}

func isName(s string) bool { return len(s) <= maxName && matches(label+`(\.`+label+`)*`, s) }

// normalize fills in what is not said, and checks the rest.
func (o *PolicyOptions) normalize() error {
	if o.Name == "" {
		o.Name = "schemahero-drivers"
	}
	if !isName(o.Name) {
		return &OptionError{strconv.Quote(o.Name), "is not the name of an object: use lower case letters, digits, - and ."}
	}
	o.Namespaces = slices.Compact(slices.Sorted(slices.Values(o.Namespaces)))
	for _, n := range o.Namespaces {
		if len(n) > maxLabel || !matches(label, n) {
			return &OptionError{strconv.Quote(n), "is not the name of a namespace: use lower case letters, digits and -"}
		}
	}
	if o.PullSecret != "" && !isName(o.PullSecret) {
		return &OptionError{strconv.Quote(o.PullSecret), "is not the name of a secret: use lower case letters, digits, - and ."}
	}
	if o.Mount == "" {
		o.Mount = ManagerFolder
	}
	given := o.Mount
	o.Mount = path.Clean(given)
	switch {
	case !path.IsAbs(given):
		return &OptionError{strconv.Quote(given), "is not an absolute path"}
	case slices.Contains(strings.Split(given, "/"), ".."):
		return &OptionError{strconv.Quote(given), "has .. in it"}
	case !matches(mountPath, o.Mount):
		return &OptionError{strconv.Quote(given), "is not a folder to mount drivers at: use letters, digits and -._+@="}
	}
	if o.Copier != "" {
		repository, _, _ := strings.Cut(o.Copier, "@")
		if !matches(`[-A-Za-z0-9._/:@]+`, o.Copier) || strings.Trim(repository, "/:") != repository {
			return &OptionError{strconv.Quote(o.Copier), "is not an image"}
		}
	}
	return nil
}

// checkReference checks that a reference is HOST/PATH@DIGEST. A cluster takes one
// without a host for docker.io's.
func checkReference(reference string) error {
	repository, digest, _ := strings.Cut(reference, "@")
	host, _, _ := strings.Cut(repository, "/")
	switch {
	case !artifact.IsDigest(digest):
		return &OptionError{strconv.Quote(reference), "is not HOST/PATH@DIGEST"}
	case strings.HasPrefix(repository, artifact.LayoutScheme):
		return &OptionError{repository, "is a folder, from which no cluster pulls"}
	case host != "localhost" && !strings.ContainsAny(host, ".:"):
		return &OptionError{strconv.Quote(repository), "begins with the registry's host, like docker.io"}
	}
	return artifact.CheckRepository(repository)
}
