package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// Options say which cluster to ask, and how.
type Options struct {
	Files   []string // kubeconfigs, as KUBECONFIG lists them; those that are not there are passed over
	File    string   // the one that counts alone, and must be there; "" for Files
	Context string   // "" for the current one
	Pod     *Account // where no kubeconfig says anything; nil outside of a cluster

	Namespace string // "" for that of the context
	All       bool   // every namespace

	UserAgent string
	Limit     time.Duration // for one request; 0 for 30 s
	Asked     func(Event)   // is told of every request; may be nil
}

// Account is what a cluster gives a pod to ask it with.
type Account struct {
	Host, Port string
	Dir        string // with the files token, ca.crt and namespace
}

// Event is a request that was made.
type Event struct {
	Method   string
	URL      string // without its query
	Status   int    // 0 where no answer came
	Duration time.Duration
}

// Client asks one cluster. It is safe for use by several goroutines.
type Client struct {
	api       dynamic.Interface
	server    string // host:port
	namespace string // "" for all
	limit     time.Duration
}

// defaultLimit is how long a cluster may take for an answer.
const defaultLimit = 30 * time.Second

// Open reads kubectl's configuration; the cluster is not asked yet. Errors:
// *ConfigError.
func Open(o Options) (*Client, error) {
	config, namespace, err := o.load()
	if err != nil {
		return nil, err
	}
	namespace = cmp.Or(o.Namespace, namespace)
	if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 && !o.All {
		return nil, &ConfigError{Problem: fmt.Sprintf("%q is not the name of a namespace", namespace)}
	}
	if o.All {
		namespace = ""
	}
	config.UserAgent = o.UserAgent
	config.QPS = -1 // the server limits who asks too much
	config.WarningHandlerWithContext = rest.NoWarnings{}
	if o.Asked != nil {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &teller{next, o.Asked} })
	}
	api, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, &ConfigError{Problem: err.Error()}
	}
	c := &Client{api: api, server: config.Host, namespace: namespace, limit: cmp.Or(o.Limit, defaultLimit)}
	if u, err := url.Parse(config.Host); err == nil && u.Host != "" {
		c.server = u.Host
	}
	return c, nil
}

// Namespace is the one that is read, "" for all of them.
func (c *Client) Namespace() string { return c.namespace }

// Contexts returns the names of the contexts that there are, sorted; none if the
// configuration cannot be read.
func Contexts(o Options) []string {
	raw, err := o.rules().Load()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(raw.Contexts))
}

func (o Options) rules() *clientcmd.ClientConfigLoadingRules {
	return &clientcmd.ClientConfigLoadingRules{ExplicitPath: o.File, Precedence: o.Files, Warner: func(error) {}}
}

// load returns how to reach the cluster, and the namespace that is meant there.
func (o Options) load() (*rest.Config, string, error) {
	raw, err := o.rules().Load()
	switch {
	case err != nil:
		return nil, "", &ConfigError{Problem: strings.TrimPrefix(err.Error(), "error loading config file ")}
	case len(raw.Clusters)+len(raw.Contexts)+len(raw.AuthInfos) == 0 && o.File == "" && o.Context == "":
		if o.Pod != nil {
			return o.Pod.load()
		}
		return nil, "", &ConfigError{Problem: "there is none, and this is not a pod of a cluster"}
	}
	name := cmp.Or(o.Context, raw.CurrentContext)
	if raw.Contexts[name] == nil {
		e := &ConfigError{Problem: fmt.Sprintf("has no context %q", name), Contexts: slices.Sorted(maps.Keys(raw.Contexts))}
		if name == "" {
			e.Problem = "names no current context"
		}
		return nil, "", e
	}
	if cluster := raw.Contexts[name].Cluster; raw.Clusters[cluster] == nil {
		return nil, "", &ConfigError{Problem: fmt.Sprintf("the context %q names the cluster %q, which is not there", name, cluster)}
	}
	chosen := clientcmd.NewNonInteractiveClientConfig(*raw, name, &clientcmd.ConfigOverrides{}, o.rules())
	config, err := chosen.ClientConfig()
	if err != nil {
		return nil, "", &ConfigError{Problem: strings.TrimPrefix(err.Error(), "invalid configuration: ")}
	}
	namespace, _, err := chosen.Namespace()
	if err != nil {
		return nil, "", &ConfigError{Problem: err.Error()}
	}
	return config, namespace, nil
}

func (a *Account) load() (*rest.Config, string, error) {
	file := func(name string) string { return filepath.Join(a.Dir, name) }
	token, err := os.ReadFile(file("token"))
	if err != nil {
		return nil, "", &ConfigError{Problem: err.Error()}
	}
	namespace, err := os.ReadFile(file("namespace"))
	if err != nil {
		return nil, "", &ConfigError{Problem: err.Error()}
	}
	return &rest.Config{
		Host:            "https://" + net.JoinHostPort(a.Host, a.Port),
		BearerToken:     string(token),
		BearerTokenFile: file("token"), // it is made again now and then
		TLSClientConfig: rest.TLSClientConfig{CAFile: file("ca.crt")},
	}, strings.TrimSpace(string(namespace)), nil
}

// teller tells of requests.
type teller struct {
	next http.RoundTripper
	tell func(Event)
}

func (t *teller) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := t.next.RoundTrip(r)
	e := Event{Method: r.Method, URL: r.URL.Scheme + "://" + r.URL.Host + r.URL.Path, Duration: time.Since(began)}
	if err == nil {
		e.Status = resp.StatusCode
	}
	t.tell(e)
	return resp, err
}

// pageSize is how many objects are asked for at once, and maxPages after how many
// a list that does not end is given up.
const (
	pageSize = 500
	maxPages = 1000
)

// list calls each with every object of a kind. Errors: those of do, and that of each.
func (c *Client) list(ctx context.Context, resource schema.GroupVersionResource, kind, selector string, each func(*unstructured.Unstructured) error) error {
	request := Request{Server: c.server, Verb: "list", Resource: resource.Resource, Group: resource.Group, Namespace: c.namespace}
	o := metav1.ListOptions{LabelSelector: selector, Limit: pageSize}
	for range maxPages {
		var page *unstructured.UnstructuredList
		err := c.do(ctx, request, func(ctx context.Context) (err error) {
			page, err = c.api.Resource(resource).Namespace(c.namespace).List(ctx, o)
			return err
		})
		if err != nil {
			return err
		}
		if page.GetKind() != kind && page.GetKind() != "List" {
			return &ServerError{Request: request, Problem: "does not answer with a " + kind}
		}
		for i := range page.Items {
			if err := each(&page.Items[i]); err != nil {
				return err
			}
		}
		if o.Continue = page.GetContinue(); o.Continue == "" {
			return nil
		}
	}
	return &ServerError{Request: request, Problem: "its list of " + request.Kinds() + " does not end"}
}

// said reports whether an answer is an API server's: an object, or what it says where
// it knows nothing of a whole group.
func said(err error, s metav1.Status) bool {
	return !apierrors.IsUnexpectedServerError(err) || slices.ContainsFunc(s.Details.Causes, func(c metav1.StatusCause) bool {
		return strings.TrimSpace(c.Message) == "404 page not found"
	})
}

// do makes one request. Errors: *DeniedError, *MissingError, *ServerError,
// *refusal, and that of the context. What an answer says is in none of them but
// if it is about rights or about what was sent: a part of an object could be in it.
func (c *Client) do(ctx context.Context, r Request, call func(context.Context) error) error {
	// What client-go logs of it is dropped.
	limited, cancel := context.WithTimeout(klog.NewContext(ctx, klog.Logger{}), c.limit)
	defer cancel()
	err := call(limited)
	if err == nil {
		return nil
	}
	var status apierrors.APIStatus
	var network *url.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("cluster %s: %w", c.server, ctx.Err())
	case errors.As(err, &status):
		return answered(r, err, status.Status())
	case limited.Err() != nil:
		return &ServerError{Request: r, Problem: fmt.Sprintf("no answer within %s", c.limit)}
	case errors.As(err, &network):
		// client-go has no type for it.
		if why, ok := strings.CutPrefix(network.Err.Error(), "getting credentials: "); ok {
			return &DeniedError{Request: r, Helper: why}
		}
		return &ServerError{Request: r, Err: network.Err}
	}
	return &ServerError{Request: r, Problem: "answers with what is not an object of Kubernetes"}
}

// answered is the error for an answer that is a refusal.
func answered(r Request, err error, s metav1.Status) error {
	message := s.Message
	if apierrors.IsUnexpectedServerError(err) {
		message = "" // the body, whatever it is
	}
	// On what is about to be made, RBAC has the say before it has a name, and whoever
	// admits it after that.
	admits := r.Verb == "create" && s.Details != nil && s.Details.Name != ""
	switch {
	case s.Code == http.StatusUnauthorized:
		return &DeniedError{Request: r, Unknown: true}
	case s.Code == http.StatusForbidden && !admits:
		return &DeniedError{Request: r, Message: message}
	case r.Verb == "create" && s.Code >= 400 && s.Code < 500 && s.Code != http.StatusNotFound && s.Code != http.StatusTooManyRequests:
		return &refusal{message}
	case s.Code == http.StatusNotFound:
		return &MissingError{r, said(err, s)}
	}
	return &ServerError{Request: r, Status: int(s.Code)}
}
