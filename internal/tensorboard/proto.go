package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"
)

// record frames an event: its length and its bytes, each with a checksum.
func record(event []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	out = binary.LittleEndian.AppendUint32(out, masked(out))
	out = append(out, event...)
	return binary.LittleEndian.AppendUint32(out, masked(event))
}

// masked is the checksum of TFRecord files: CRC-32C, turned and moved so that the
// checksum of data that holds checksums is a good one too.
func masked(data []byte) uint32 {
	crc := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// message is one of protocol buffers, as it is encoded.
type message []byte

// The wire types of fields.
const (
	varint  = 0
	fixed64 = 1
	bytes   = 2
	fixed32 = 5
)

func (m message) key(field, wire int) message {
	return binary.AppendUvarint(m, uint64(field<<3|wire))
}

func (m message) int(field int, v int64) message {
	return binary.AppendUvarint(m.key(field, varint), uint64(v))
}

func (m message) double(field int, v float64) message {
	return binary.LittleEndian.AppendUint64(m.key(field, fixed64), math.Float64bits(v))
}

func (m message) float(field int, v float32) message {
	return binary.LittleEndian.AppendUint32(m.key(field, fixed32), math.Float32bits(v))
}

func (m message) text(field int, s string) message {
	m = binary.AppendUvarint(m.key(field, bytes), uint64(len(s)))
	return append(m, s...)
}

func (m message) sub(field int, s message) message { return m.text(field, string(s)) }

// event is an Event without what it tells.
func event(at time.Time, step int64) message {
	m := message(nil).double(1, float64(at.UnixNano())/1e9)
	if step != 0 {
		m = m.int(2, step)
	}
	return m
}

// versionEvent begins every file.
func versionEvent(at time.Time) message { return event(at, 0).text(3, "brain.Event:2") }

// startEvent is a SessionLog with the status START: earlier events of this step and
// later ones do not count.
func startEvent(at time.Time, step int64) message {
	return event(at, step).sub(7, message(nil).int(1, 1))
}

func scalarsEvent(at time.Time, step int64, values []Scalar) message {
	var summary message
	for _, v := range values {
		summary = summary.sub(1, message(nil).text(1, v.Tag).float(2, float32(v.Value)))
	}
	return event(at, step).sub(5, summary)
}

// textEvent is a tensor of one string, with the plugin that shows it.
func textEvent(at time.Time, step int64, tag, text string) message {
	const stringType = 7
	oneElement := message(nil).sub(2, message(nil).int(1, 1))
	tensor := message(nil).int(1, stringType).sub(2, oneElement).text(8, text)
	plugin := message(nil).sub(1, message(nil).text(1, "text"))
	value := message(nil).text(1, tag).sub(8, tensor).sub(9, plugin)
	return event(at, step).sub(5, message(nil).sub(1, value))
}
