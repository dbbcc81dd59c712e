# The program and nothing else. By default it installs the drivers of the lock in
# /project into /plugins:
#
#	docker run --rm --volume "$PWD:/project:ro" --volume drivers:/plugins IMAGE
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION -X main.revision=$REVISION" -o /image/root/usr/local/bin/kubectl-schemahero-plugin ./cmd/kubectl-schemahero-plugin
RUN cd /image/root && mkdir -p etc/ssl/certs tmp && cp /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/ && chmod 1777 tmp
RUN mkdir -p /image/user/home/schemahero /image/user/plugins /image/user/project

FROM scratch
COPY --from=build /image/root /
COPY --from=build --chown=1001:1001 /image/user /
# The user of SchemaHero's own images: what it writes, they can read.
USER 1001:1001
ENV HOME=/home/schemahero
ENV PATH=/usr/local/bin
WORKDIR /project
ENTRYPOINT ["/usr/local/bin/kubectl-schemahero-plugin"]
CMD ["sync", "--locked", "--dir", "/plugins"]
