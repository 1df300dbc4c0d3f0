// Package verify is where the library is proved as a whole, over every adapter: a model that random commands are checked
// against (model), writers that race each other (race), stores, brokers and clocks that fail (fault), processes that are
// killed (crash), and brokers that are real (broker). It is a module of its own, so that what it needs costs nobody else a download.
package verify
