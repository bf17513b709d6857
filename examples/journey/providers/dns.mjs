// A name server that knows the TXT records it is given, and nothing else (RFC 1035).

import { createSocket } from 'node:dgram'

const HEADER = 12
const TXT = 16

/** Reads the name that is asked for, and where the question ends. */
function question(packet) {
  const labels = []
  let at = HEADER
  while (packet[at] !== 0) {
    labels.push(packet.toString('ascii', at + 1, at + 1 + packet[at]))
    at += 1 + packet[at]
  }
  return { name: labels.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1), end: at + 5 }
}

function answer(packet, records) {
  const { name, type, end } = question(packet)
  const texts = records.get(name)
  const found = type === TXT && texts ? texts : []
  const header = Buffer.alloc(HEADER)
  packet.copy(header, 0, 0, 2)
  // An authoritative answer; a name that nobody has written does not exist.
  header.writeUInt16BE(0x8400 | (texts ? 0 : 3), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(found.length, 6)
  const rows = found.map((text) => {
    const row = Buffer.from([0xc0, HEADER, 0, TXT, 0, 1, 0, 0, 0, 60, 0, text.length + 1, text.length])
    return Buffer.concat([row, Buffer.from(text, 'ascii')])
  })
  return Buffer.concat([header, packet.subarray(HEADER, end), ...rows])
}

/** Serves DNS at a port of this machine; `records` maps names to lists of texts. */
export async function serveDns(port) {
  const records = new Map()
  const socket = createSocket('udp4')
  socket.on('message', (packet, from) => socket.send(answer(packet, records), from.port, from.address))
  await new Promise((resolve) => socket.bind(port, '127.0.0.1', resolve))
  return { records, close: () => socket.close() }
}
