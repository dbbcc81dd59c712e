package auth

import "github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"

// CredentialsError says why a credential file could not be used. It holds no
// secret.
type CredentialsError struct {
	File    string
	Problem string
}

func (e *CredentialsError) Error() string    { return e.File + ": " + e.Problem }
func (e *CredentialsError) Kind() fault.Kind { return fault.Failure }
