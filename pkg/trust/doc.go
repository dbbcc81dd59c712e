// Package trust checks the signatures of a digest against trust rules. It reads
// sigstore bundles that refer to the digest, and the older form that cosign
// keeps under the tag sha256-HEX.sig, through a registry.Repository alone: a
// registry, a mirror, a bundle and a layout are all the same to it, and none of
// them is trusted.
//
// Verification is sigstore-go's. This package chooses what to verify: which
// content counts as a signature of which digest, by which keys or authorities,
// and which signer a rule admits.
package trust
