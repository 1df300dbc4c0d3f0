// Package embedtest is what a package of a host looks like that embeds assessplan: Reminders runs the passes and mails each
// testee the link to what was opened. Its test is what this example is about: a store in memory and a clock that stands
// still until it is told to move check in milliseconds what takes two weeks.
package embedtest
