// Files: an uploader's signed URL, a link that is shared for a while, what a stranger sees, what policies permit.

import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashOf, randomFile, uploadWithCuts } from '../lib/cutting.mjs'
import { assert, data } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { sessionOf } from './people.mjs'

/** One red pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)

/** Has a person keep files, and others look for them. */
export async function keepFiles(world, ada, eve) {
  chapter('Files')
  const papers = `papers-${world.run}`
  const avatars = `avatars-${world.run}`
  const hers = () => ada.client.storage.from(papers)
  await step('the team makes buckets, and policies for one of them', async () => {
    const team = world.administrator().storage
    data(await team.createBucket(papers))
    data(await team.createBucket(avatars, { allowedMimeTypes: ['image/*'] }))
    const sql = `
      create policy "read avatars ${world.run}" on storage.objects for select to authenticated
        using (bucket_id = '${avatars}');
      create policy "own avatar ${world.run}" on storage.objects for insert to authenticated
        with check (bucket_id = '${avatars}' and (storage.foldername(name))[1] = auth.uid()::text);`
    const migration = { name: `avatars_${world.run}`, sql }
    await world.ask('POST', '/admin/v1/migrations', 201, { body: migration })
  })
  await step('she asks for a signed upload URL and uploads with it', async () => {
    const { path, token } = data(await hers().createSignedUploadUrl('notes/first.txt'))
    const nobody = world.client().storage.from(papers)
    data(await nobody.uploadToSignedUrl(path, token, new Blob(['between us']), { contentType: 'text/plain' }))
    assert.equal(await data(await hers().download('notes/first.txt')).text(), 'between us')
    const again = await nobody.uploadToSignedUrl(path, token, new Blob(['over it']))
    assert.ok(again.error, 'the URL stores once')
  })
  await step('she shares a link that ends', async () => {
    const { signedUrl } = data(await hers().createSignedUrl('notes/first.txt', 1))
    const answer = await fetch(signedUrl)
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), 'between us')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    assert.equal((await fetch(signedUrl)).status, 400)
  })
  await step('a stranger gets 404, as for what does not exist', async () => {
    const token = (await sessionOf(eve)).access_token
    const there = await world.ask('GET', `/storage/v1/object/${papers}/notes/first.txt`, 404, { token })
    const nowhere = await world.ask('GET', `/storage/v1/object/${papers}/notes/other.txt`, 404, { token })
    delete there.instance
    delete nowhere.instance
    assert.deepEqual(there, nowhere)
    assert.deepEqual(data(await eve.client.storage.from(papers).list()), [])
    await world.ask('GET', `/storage/v1/object/${papers}/notes/first.txt?org=${ada.org}`, 403, { token })
  })
  await step('the team reads it with its key', async () => {
    const answer = await world.ask('GET', `/storage/v1/object/${papers}/notes/first.txt?org=${ada.org}`, 200)
    assert.equal(answer, 'between us')
  })
  await step('she sends a file to the store itself, and it is shared like any other', async () => {
    const token = (await sessionOf(ada)).access_token
    const text = 'straight to the store'
    const announced = await world.ask('POST', '/files/upload', 201, {
      token,
      body: {
        bucket: papers,
        path: 'notes/direct.txt',
        size: text.length,
        content_type: 'text/plain',
        sha256: createHash('sha256').update(text).digest('hex'),
      },
    })
    assert.equal(new URL(announced.url).origin, world.storeUrl, 'the URL leads to the store')
    // What a client sends by itself.
    const { 'content-length': length, ...headers } = announced.headers
    assert.equal(length, String(text.length))
    const { method } = announced
    const disguised = { ...headers, 'content-type': 'text/html' }
    assert.ok((await fetch(announced.url, { method, headers: disguised, body: text })).status >= 400)
    assert.ok((await fetch(announced.url, { method, headers, body: `${text}, and more` })).status >= 400)
    assert.equal((await fetch(announced.url, { method, headers, body: text })).status, 200)
    const complete = `/storage/v1/uploads/${announced.upload_id}/complete`
    const stranger = (await sessionOf(eve)).access_token
    await world.ask('POST', complete, 404, { token: stranger })
    await world.ask('POST', complete, 200, { token })
    const { signedUrl } = data(await hers().createSignedUrl('notes/direct.txt', 60))
    assert.equal(await (await fetch(signedUrl)).text(), text)
    await world.ask('GET', `/storage/v1/object/${papers}/notes/direct.txt`, 404, { token: stranger })
    assert.equal(await world.ask('GET', `/storage/v1/object/${papers}/notes/direct.txt?org=${ada.org}`, 200), text)
  })
  await step('policies let her store in her own folder alone', async () => {
    const avatar = ada.client.storage.from(avatars)
    const { user } = data(await ada.client.auth.getUser())
    data(await avatar.upload(`${user.id}/me.png`, PIXEL, { contentType: 'image/png' }))
    const refused = await avatar.upload('somebody/me.png', PIXEL, { contentType: 'image/png' })
    assert.equal(refused.error?.statusCode, '403')
    const disguised = await avatar.upload(`${user.id}/x.png`, '<svg onload="alert(1)">', { contentType: 'image/png' })
    assert.equal(disguised.error?.statusCode, '415')
    const removed = data(await avatar.remove([`${user.id}/me.png`]))
    assert.deepEqual(removed, [], 'no policy lets anybody remove')
  })
  await step('a picture is rendered in another size', async () => {
    const { user } = data(await ada.client.auth.getUser())
    const transform = { width: 1, height: 1, quality: 80 }
    const picture = data(await ada.client.storage.from(avatars).download(`${user.id}/me.png`, { transform }))
    assert.equal(picture.type, 'image/png')
    const { signedUrl } = data(await ada.client.storage.from(avatars).createSignedUrl(`${user.id}/me.png`, 60, { transform }))
    assert.equal((await fetch(signedUrl)).headers.get('content-type'), 'image/png')
  })
  await step('what is large arrives over a connection that breaks ten times', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quoin-journey-'))
    try {
      const [path, bytes] = [join(folder, 'large'), 8 << 20]
      const sent = await randomFile(path, bytes)
      const token = (await sessionOf(ada)).access_token
      const cut = await uploadWithCuts({ url: world.url, token, path, bytes, cuts: 10, bucket: papers, name: 'large' })
      assert.equal(cut, 10)
      const headers = { authorization: `Bearer ${token}` }
      assert.equal(await hashOf(await fetch(`${world.url}/storage/v1/object/${papers}/large`, { headers })), sent)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
}
