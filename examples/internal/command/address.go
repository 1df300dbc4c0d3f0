package command

import (
	"fmt"
	"net"
	"strconv"
)

// CheckAddress says what is wrong with an address to listen on.
func CheckAddress(address string) error {
	const example = "want HOST:PORT such as 127.0.0.1:8080, or :8080 for every network of the machine"
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w; %s", err, example)
	}
	if number, err := strconv.Atoi(port); err != nil || number < 0 || number > 65535 {
		return fmt.Errorf("the port is %q; %s", port, example)
	}
	return nil
}

// Reachable is what a browser on this machine reaches a listener at: the address of every network is none to go to.
func Reachable(listener net.Addr) string {
	address, ok := listener.(*net.TCPAddr)
	if !ok || !address.IP.IsUnspecified() {
		return listener.String()
	}
	return net.JoinHostPort("localhost", strconv.Itoa(address.Port))
}
