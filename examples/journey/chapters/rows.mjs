// A person writes and reads rows of their own through the client library.

import { assert, data, refused, titles } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'

/** Exercises every kind of query that single tables have. */
export async function writeAndRead(world, ada) {
  chapter("A person's own rows")
  const posts = () => ada.client.from('posts')
  await write(posts, ada)
  await read(posts, ada)
  await change(posts)
}

async function write(posts, ada) {
  await step('insert with returning fills the defaults', async () => {
    const row = data(await posts().insert({ title: 'first', likes: 3, tags: ['a', 'b'] }).select().single())
    assert.equal(row.author_id, ada.id)
    assert.equal(row.org_id, ada.org)
    assert.equal(row.published, false)
    assert.deepEqual(row.tags, ['a', 'b'])
    assert.ok(!Number.isNaN(Date.parse(row.created_at)), row.created_at)
  })
  await step('insert many, one of them with a quote and a line break', async () => {
    const rows = [
      { title: 'second', likes: 1, published: true },
      { title: 'third', likes: 7, published: true },
      { title: "O'Hara,\n(fourth)", likes: 0 },
    ]
    const answer = await posts().insert(rows, { defaultToNull: false })
    data(answer)
    assert.equal(answer.status, 201)
  })
  await step("a row in another's name is refused with 42501", async () => {
    const row = { title: 'not mine', author_id: '00000000-0000-7000-8000-000000000000' }
    refused(await posts().insert(row).select(), 403, '42501')
  })
  await step('a duplicate is 23505, a missing value 23502, a broken check 23514', async () => {
    refused(await posts().insert({ title: 'first' }), 409, '23505')
    refused(await posts().insert({ title: null }), 400, '23502')
    refused(await posts().insert({ title: '' }), 400, '23514')
  })
}

async function read(posts, ada) {
  await step('select with filters', async () => {
    titles(data(await posts().select('title').eq('title', 'second')), ['second'])
    titles(data(await posts().select('title').gte('likes', 3).order('likes')), ['first', 'third'])
    titles(data(await posts().select('title').in('title', ['third', "O'Hara,\n(fourth)"]).order('likes')), [
      "O'Hara,\n(fourth)",
      'third',
    ])
    titles(data(await posts().select('title').ilike('title', 'SEC%')), ['second'])
    titles(data(await posts().select('title').is('published', true).neq('likes', 7)), ['second'])
    titles(data(await posts().select('title').not('tags', 'is', null)), ['first'])
  })
  await step('or', async () => {
    titles(data(await posts().select('title').or('likes.eq.1,likes.gt.6').order('title')), ['second', 'third'])
    const nested = 'likes.eq.3,and(published.is.true,likes.lt.2)'
    titles(data(await posts().select('title').or(nested).order('title')), ['first', 'second'])
  })
  await step('order and range', async () => {
    const rows = data(await posts().select('title,likes').order('likes', { ascending: false }).range(1, 2))
    titles(rows, ['first', 'second'])
    assert.deepEqual(Object.keys(rows[0]), ['title', 'likes'])
  })
  await step('exact count', async (say) => {
    const answer = await posts().select('*', { count: 'exact', head: true })
    data(answer)
    assert.equal(answer.count, 4)
    const paged = await posts().select('title', { count: 'exact' }).range(0, 0)
    assert.equal(data(paged).length, 1)
    assert.equal(paged.count, 4)
    say(`${answer.count} rows`)
  })
  await step('single refuses none and many, maybeSingle answers null', async () => {
    refused(await posts().select().single(), 406, 'PGRST116')
    refused(await posts().select().eq('title', 'nothing').single(), 406, 'PGRST116')
    assert.equal(data(await posts().select().eq('title', 'nothing').maybeSingle()), null)
  })
  await step('an unknown column is refused, an unknown table too', async () => {
    refused(await posts().select('secret'), 400, '42703')
    refused(await ada.client.from('nowhere').select(), 404, 'PGRST205')
  })
}

async function change(posts) {
  await step('update with returning', async () => {
    const rows = data(await posts().update({ likes: 10, published: true }).eq('title', 'first').select())
    assert.deepEqual(rows.map((row) => [row.title, row.likes, row.published]), [['first', 10, true]])
  })
  await step('upsert changes the columns sent and no other', async () => {
    const rows = [{ title: 'first', likes: 11 }, { title: 'fifth', likes: 5 }]
    data(await posts().upsert(rows, { onConflict: 'org_id,title' }))
    const first = data(await posts().select().eq('title', 'first').single())
    assert.deepEqual([first.likes, first.published, first.tags], [11, true, ['a', 'b']])
    assert.equal(data(await posts().select().eq('title', 'fifth').single()).likes, 5)
  })
  await step('upsert may leave duplicates alone', async () => {
    const options = { onConflict: 'org_id,title', ignoreDuplicates: true }
    data(await posts().upsert({ title: 'first', likes: 99 }, options))
    assert.equal(data(await posts().select('likes').eq('title', 'first').single()).likes, 11)
  })
  await step('delete with returning', async () => {
    titles(data(await posts().delete().eq('title', 'fifth').select()), ['fifth'])
    assert.equal((await posts().select('*', { count: 'exact', head: true })).count, 4)
  })
}
