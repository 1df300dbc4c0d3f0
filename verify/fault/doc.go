// Package fault proves what the library promises while stores, publishers, generators and clocks fail. One story of three
// plans and ten rounds (commands, passes, relays, as a host makes them) is told again and again, each time with another
// fault. The host does what a host would do: it repeats a command until it is answered, and passes and relays until they
// find nothing to do. Then an audit compares what is stored, what was delivered and what the host was told with each other
// and with the story's own table: nothing is lost, doubled or half written, and nobody was asked more often than the fault
// accounts for. Mutants show that the audit can fail.
//
// The usual run fails every call of the store once, and tells some dozens of stories with several faults at random. More:
//
//	go test ./verify/fault -run TestFaultsAtRandom -fault.stories 5000 -timeout 1h
//	go test ./verify/fault -run TestFaultsAtRandom -fault.seed 17
//	go test ./verify/fault -run TestEveryCallOfTheStoreMayFailOnce -fault.all -timeout 1h
//
// These are: more stories; the one of a seed again, which a story that fails names (goroutines that run at once may still
// come in another order); every call of every store in every manner. All of it runs in synctest bubbles, where an hour costs
// nothing and the clock waits for the answers of a server.
package fault
