package memstore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// A snapshot file is a line of text that names the format and its version, a body, and the CRC-32C of both in 4 bytes, the
// most significant first. The body of version 1 is a gob stream of records.
const (
	snapshotFormat  = "assessplan-memstore-snapshot"
	snapshotVersion = 1
	checksumSize    = 4
	snapshotBuffer  = 256 << 10
)

func newChecksum() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// writeSnapshot puts a file in its place at once.
func writeSnapshot(path string, body func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close() // it may be closed already
			_ = os.Remove(file.Name())
		}
	}()
	if err := writeChecked(file, body); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func writeChecked(file io.Writer, body func(io.Writer) error) error {
	sum, buffered := newChecksum(), bufio.NewWriterSize(file, snapshotBuffer)
	checked := io.MultiWriter(buffered, sum)
	if _, err := fmt.Fprintf(checked, "%s %d\n", snapshotFormat, snapshotVersion); err != nil {
		return err
	}
	if err := body(checked); err != nil {
		return err
	}
	if err := binary.Write(buffered, binary.BigEndian, sum.Sum32()); err != nil {
		return err
	}
	return buffered.Flush()
}

// syncFolder makes the new name survive a crash. Windows has no such call, and needs none.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	opened, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

// readSnapshot hands over the body of a file that is whole. The file is read twice: what is damaged must not reach the
// decoder.
func readSnapshot(path string, body func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	header, err := readHeader(file)
	if err != nil {
		return err
	}
	size, err := checkSum(file)
	if err != nil {
		return err
	}
	if _, err := file.Seek(header, io.SeekStart); err != nil {
		return err
	}
	return body(bufio.NewReaderSize(io.LimitReader(file, size-header-checksumSize), snapshotBuffer))
}

// readHeader returns the length of the first line.
func readHeader(file io.Reader) (int64, error) {
	line, err := bufio.NewReaderSize(io.LimitReader(file, 128), 128).ReadString('\n')
	format, version, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	number, numberErr := strconv.Atoi(version)
	switch {
	case err != nil || format != snapshotFormat || numberErr != nil || number < 1:
		return 0, fmt.Errorf("the file does not begin as a snapshot does, with a line %q and a version", snapshotFormat)
	case number > snapshotVersion:
		return 0, fmt.Errorf("the file has version %d, and this package reads up to %d: a newer one wrote it", number, snapshotVersion)
	}
	return int64(len(line)), nil
}

// checkSum reads the whole file and returns its size.
func checkSum(file io.ReadSeeker) (size int64, err error) {
	if size, err = file.Seek(0, io.SeekEnd); err != nil {
		return 0, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	sum := newChecksum()
	if _, err := io.CopyN(sum, file, size-checksumSize); err != nil {
		return 0, err
	}
	var stored uint32
	if err := binary.Read(file, binary.BigEndian, &stored); err != nil {
		return 0, err
	}
	if stored != sum.Sum32() {
		return 0, errors.New("the file is damaged or was cut short: its checksum does not fit")
	}
	return size, nil
}
