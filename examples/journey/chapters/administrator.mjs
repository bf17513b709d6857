// The team behind the product, with the secret key alone.

import { assert, data } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { sessionOf } from './people.mjs'

const POSTS = `
create table posts (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null default auth.org_id(),
  author_id uuid not null default auth.uid(),
  title text not null check (title <> ''),
  likes int not null default 0,
  published boolean not null default false,
  tags jsonb,
  created_at timestamptz not null default now(),
  unique (org_id, title)
);
create index posts_of_an_organisation on posts (org_id, created_at);
alter table posts enable row level security;
create policy posts_read on posts for select using (org_id = auth.org_id());
create policy posts_insert on posts for insert with check (org_id = auth.org_id() and author_id = auth.uid());
create policy posts_update on posts for update
  using (org_id = auth.org_id() and author_id = auth.uid())
  with check (org_id = auth.org_id() and author_id = auth.uid());
create policy posts_delete on posts for delete using (org_id = auth.org_id() and author_id = auth.uid());
`

/** Makes the table that the application needs. */
export async function migrate(world) {
  chapter('An administrator, with the secret key alone')
  const migration = { name: '0001_posts', sql: POSTS }
  await step('applies a migration that makes a table with policies', async () => {
    const { status, json } = await world.call('POST', '/admin/v1/migrations', { body: migration })
    assert.ok(status === 200 || status === 201, `${status} ${JSON.stringify(json)}`)
  })
  await step('applying it again changes nothing', async () => {
    const { status, json } = await world.call('POST', '/admin/v1/migrations', { body: migration })
    assert.ok(status < 300 || status === 409, `${status} ${JSON.stringify(json)}`)
  })
  await step('a mistake is refused with its line', async (say) => {
    const body = { name: '0002_mistake', sql: 'create table later (id uuid primary key);\nalter galaxy posts;' }
    const answer = await world.ask('POST', '/admin/v1/migrations', 400, { body })
    assert.match(JSON.stringify(answer), /line/i)
    say(answer.message)
  })
  await step('nobody else may', async () => {
    const { status } = await world.call('POST', '/admin/v1/migrations', { token: world.publishableKey, body: migration })
    assert.ok(status === 401 || status === 403, String(status))
  })
}

/** Lists people and reads the trails. */
export async function watch(world, ada) {
  chapter('The administrator watches')
  await step('lists people', async (say) => {
    const { users } = data(await world.administrator().auth.admin.listUsers())
    const person = users.find((user) => user.id === ada.id)
    assert.ok(person.email_confirmed_at && person.last_sign_in_at)
    say(`${users.length} people`)
  })
  await step('reads the audit trail', async (say) => {
    const { data: entries } = await world.ask('GET', '/admin/v1/audit?limit=200', 200)
    assert.ok(entries.length > 0)
    say(`${entries.length} entries, the newest: ${entries[0].action}`)
  })
  await step('reads the recent calls of one person', async (say) => {
    const bases = [...new Set([world.url, world.dataUrl])]
    const nodes = await Promise.all(
      bases.map((base) => world.ask('GET', `/admin/v1/calls?sub=${ada.id}`, 200, { base })),
    )
    const calls = nodes.flatMap((node) => node.data)
    assert.ok(calls.length > 5, JSON.stringify(calls))
    assert.ok(calls.every((call) => call.sub === ada.id), JSON.stringify(calls[0]))
    const token = (await sessionOf(ada)).access_token
    assert.ok(!JSON.stringify(calls).includes(token), 'no token in it')
    say(`${calls.length} calls, the last: ${calls[0].operation} ${calls[0].status}`)
  })
}
