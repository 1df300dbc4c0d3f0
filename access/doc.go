// Package access says who may do what: the principals, the tokens and the limits that the transports (httpapi, grpcapi) share.
// It knows HTTP requests and the library's orgs, and no route.
package access
