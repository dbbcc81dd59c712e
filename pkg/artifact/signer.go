package artifact

// SignerText returns how a signer is named everywhere: "key sha256:…",
// "IDENTITY (ISSUER)", or "nobody known".
func SignerText(issuer, identity, key string) string {
	switch {
	case key != "":
		return "key " + key
	case identity != "" || issuer != "":
		return identity + " (" + issuer + ")"
	}
	return "nobody known"
}
