// Two stand-ins for a user pool. They fail in different places, so both are run: cognito-local judges codes and passwords, moto has
// the calls of the administration.

import { createHash } from 'node:crypto'
import { code } from '../../journey/pages/totp.mjs'
import { start, until } from '../world.mjs'

const REGION = 'us-east-1'
const CODE = '123456'

/** What both have in common: the JSON API. */
class Pool {
  secrets = new Map()
  hasSecret = true

  async call(action, body) {
    const answer = await fetch(this.api, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `AWSCognitoIdentityProviderService.${action}`,
        authorization: `AWS4-HMAC-SHA256 Credential=a/20260101/${REGION}/cognito-idp/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : {}
  }

  async open() {
    const made = await this.call('CreateUserPool', {
      PoolName: 'quoin',
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      MfaConfiguration: 'OPTIONAL',
      Policies: { PasswordPolicy: { MinimumLength: 8 } },
    })
    this.pool = made.UserPool.Id
    const client = await this.call('CreateUserPoolClient', {
      UserPoolId: this.pool,
      ClientName: 'quoin',
      GenerateSecret: this.hasSecret,
      ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    })
    this.clientId = client.UserPoolClient.ClientId
    this.clientSecret = client.UserPoolClient.ClientSecret
  }

  settings(front) {
    return {
      provider: 'cognito',
      endpoint: front.url,
      issuer: this.issuer,
      region: REGION,
      user_pool_id: this.pool,
      client_id: this.clientId,
      ...(this.clientSecret && { client_secret: this.clientSecret }),
      access_key_id: 'AKIAEXAMPLE',
      secret_access_key: 'secret',
    }
  }

  isRefresh = (call) => call.kind.endsWith('.InitiateAuth') && call.body.includes('REFRESH_TOKEN_AUTH')
  isSignOut = (call) => call.kind.endsWith('.RevokeToken')
  mailedCode = CODE
  usernames = false

  async seed({ email, password, verified = true, otp = false }) {
    const made = await this.call('AdminCreateUser', {
      UserPoolId: this.pool,
      Username: email,
      MessageAction: 'SUPPRESS',
      UserAttributes: [
        { Name: 'email', Value: email },
        { Name: 'email_verified', Value: String(verified) },
      ],
    })
    await this.call('AdminSetUserPassword', { UserPoolId: this.pool, Username: email, Password: password, Permanent: true })
    if (otp) await this.enrol(email, password)
    return made.User.Attributes.find((one) => one.Name === 'sub').Value
  }

  /** Enrols an app with the person's own token, and makes it the preferred factor. */
  async enrol(email, password) {
    const signedIn = await this.call('InitiateAuth', {
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: this.clientId,
      AuthParameters: { USERNAME: email, PASSWORD: password },
    })
    const AccessToken = signedIn.AuthenticationResult.AccessToken
    const { SecretCode } = await this.call('AssociateSoftwareToken', { AccessToken })
    this.secrets.set(email, SecretCode)
    await this.call('VerifySoftwareToken', { AccessToken, UserCode: await this.otp(email) })
    const settings = { Enabled: true, PreferredMfa: true }
    await this.call('SetUserMFAPreference', { AccessToken, SoftwareTokenMfaSettings: settings })
  }

  async otp(email) {
    return code(this.secrets.get(email))
  }

  async disable(email) {
    await this.call('AdminDisableUser', { UserPoolId: this.pool, Username: email })
  }

  async remove(email) {
    await this.call('AdminDeleteUser', { UserPoolId: this.pool, Username: email })
  }

  async isEnabled(email) {
    return (await this.call('AdminGetUser', { UserPoolId: this.pool, Username: email })).Enabled
  }

  async exists(email) {
    return this.isEnabled(email).then(() => true, () => false)
  }

  close() {
    this.process?.kill('SIGKILL')
  }
}

const TAKES_ALL = 'it takes every code'
const NO_PLACES = 'a user pool belongs to no organisation'

export class CognitoLocal extends Pool {
  title = 'Cognito, played by cognito-local'
  lacks = {
    'organisations follow the provider': NO_PLACES,
    'somebody disabled at the provider loses the session at the next refresh': 'it lets disabled people refresh',
    'the provider upholds the session that its factor has opened': 'it forgets the refresh token of such a session',
  }

  async start({ port, folder, modules }) {
    this.process = await start(['node', `${modules}/cognito-local/lib/bin/start.js`], {
      folder,
      env: { CODE, HOST: '127.0.0.1', PORT: String(port) },
    })
    this.api = `http://127.0.0.1:${port}`
    await until(() => fetch(`${this.api}/health`).then((answer) => answer.ok, () => false), 'cognito-local', 20_000)
    await this.open()
    this.issuer = `${this.api}/${this.pool}`
    return this.api
  }
}

export class Moto extends Pool {
  title = 'Cognito, played by moto'
  // It wants the secret proved with the name that was typed, where Cognito wants the pool's own: this client has none.
  hasSecret = false
  lacks = {
    'a sign-up is confirmed with the code of the provider': TAKES_ALL,
    'a forgotten password is set with the code of the provider': TAKES_ALL,
    'a wrong code opens nothing': TAKES_ALL,
    'somebody disabled at the provider loses the session at the next refresh': 'it lets disabled people refresh',
    'somebody erased at the provider loses the session at the next refresh': 'it fails where it should refuse',
    'organisations follow the provider': NO_PLACES,
  }

  // Cognito says this; moto says nothing.
  corrects = (said) => ({ email_verified: true, ...said })

  async start({ port, folder, python }) {
    this.process = await start([python, '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], { folder })
    this.api = `http://127.0.0.1:${port}`
    await until(() => fetch(`${this.api}/moto-api/data.json`).then((answer) => answer.ok, () => false), 'moto', 30_000)
    await this.open()
    this.issuer = `https://cognito-idp.${REGION}.amazonaws.com/${this.pool}`
    return this.api
  }

  // It gives every secret the same name, and takes every code.
  async otp() {
    return createHash('sha256').update('any').digest('hex').replace(/\D/g, '').slice(0, 6)
  }
}
