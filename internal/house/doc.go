// Package house holds the tests that keep the rules of docs/architecture.md:
// who may import whom, and what no package does.
package house
