// A mail server that takes everything and remembers it, or holds its answers back until it is told to go on.

import { createServer } from 'node:net'

/** Serves SMTP (RFC 5321) on loopback. */
export function serveMail(port) {
  const sink = new Sink()
  const server = createServer((socket) => sink.serve(socket))
  sink.close = () => {
    server.close()
    sink.sockets.forEach((socket) => socket.destroy())
  }
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(sink)))
}

class Sink {
  /** Recipient, Message-ID and text of everything that was accepted, in order. */
  accepted = []
  /** Messages whose last byte has come and whose answer is held back. */
  held = []
  holds = false
  sockets = new Set()

  /** Answers everything that is held back, and from now on at once. */
  release() {
    this.holds = false
    this.held.splice(0).forEach((accept) => accept())
  }

  /** Returns the Message-IDs that were accepted for an address. */
  to(address) {
    return this.accepted.filter((mail) => mail.to === address).map((mail) => mail.id)
  }

  serve(socket) {
    this.sockets.add(socket)
    socket.on('close', () => this.sockets.delete(socket))
    // A client that is killed resets its connection.
    socket.on('error', () => socket.destroy())
    let [rest, to, message] = ['', null, null]
    const say = (line) => socket.writable && socket.write(`${line}\r\n`)
    const take = (line) => {
      if (message === null) {
        const command = line.slice(0, 4).toUpperCase()
        if (command === 'RCPT') to = line.match(/<([^>]*)>/)[1]
        if (command === 'DATA') message = []
        if (command === 'QUIT') return socket.end('221 bye\r\n')
        return say(command === 'DATA' ? '354 go on' : command === 'EHLO' ? '250-sink\r\n250 8BITMIME' : '250 ok')
      }
      if (line !== '.') return message.push(line)
      const id = message.find((header) => /^message-id:/i.test(header))
      const text = message.join('\n')
      const accept = () => {
        // Whoever is gone has not been told, and must send it again.
        if (socket.destroyed) return
        this.accepted.push({ to: accept.to, id, text })
        say('250 taken')
      }
      accept.to = to
      message = null
      return this.holds ? this.held.push(accept) : accept()
    }
    say('220 sink')
    socket.on('data', (bytes) => {
      const lines = (rest + bytes.toString('latin1')).split('\r\n')
      rest = lines.pop()
      lines.forEach(take)
    })
  }
}
