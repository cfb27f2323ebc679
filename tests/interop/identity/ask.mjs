// Asks for one token as Microsoft's library does:
//   node ask.mjs <credential> [<argument>]
// with the login endpoint in KC_LOGIN and the machine's identity endpoints in the library's own variables. Prints the token. KC_ARC is the
// folder that stands for the Arc agent's, which nobody but the agent may write to.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const agents = '/var/opt/azcmagent/tokens/';
if (process.env.KC_ARC) {
  for (const name of ['statSync', 'readFileSync']) {
    const real = fs[name];
    fs[name] = (path, ...rest) =>
      real(typeof path === 'string' && path.startsWith(agents) ? `${process.env.KC_ARC}/${path.slice(agents.length)}` : path, ...rest);
  }
  syncBuiltinESMExports();
}
const { ClientCertificateCredential, ClientSecretCredential, DefaultAzureCredential, DeviceCodeCredential, ManagedIdentityCredential, WorkloadIdentityCredential } =
  await import('@azure/identity');
const { ConfidentialClientApplication } = await import('@azure/msal-node');
const { createHttpHeaders } = await import('@azure/core-rest-pipeline');

const { KC_LOGIN: authorityHost, KC_SCOPE: scope, KC_TENANT: tenant, KC_CLIENT: client } = process.env;
const [kind, argument] = process.argv.slice(2);
const at = { authorityHost, disableInstanceDiscovery: true };

// The older algorithm: the library takes it where it knows the certificate by its SHA-1 only.
async function olderAlgorithm(pem) {
  const { createHash, X509Certificate } = await import('node:crypto');
  const text = fs.readFileSync(pem, 'utf8');
  const thumbprint = createHash('sha1').update(new X509Certificate(text).raw).digest('hex');
  const app = new ConfidentialClientApplication({
    auth: { clientId: client, authority: `${authorityHost}/${tenant}`, knownAuthorities: [new URL(authorityHost).host],
      clientCertificate: { thumbprint, privateKey: /-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----/.exec(text)[0] } },
  });
  const answer = await app.acquireTokenByClientCredential({ scopes: [scope] });
  return { token: answer.accessToken };
}

// Whom the credential would ask in a region, and to whom an assertion is made out: names of hosts that only Microsoft has, so nothing leaves.
// KC_MACHINE is what the machine's metadata tells; empty: nobody answers there.
async function hosts(credential, argument) {
  const seen = [];
  const bare = (url) => url.replace(/\/$/, '');
  const answers = {
    'openid-configuration': () => ({ issuer: `${authorityHost}/${tenant}/v2.0`, authorization_endpoint: `${authorityHost}/${tenant}/oauth2/v2.0/authorize`,
      token_endpoint: `${authorityHost}/${tenant}/oauth2/v2.0/token`, jwks_uri: `${authorityHost}/${tenant}/keys` }),
    compute: () => JSON.parse(process.env.KC_MACHINE),
    devicecode: () => ({ device_code: 'd', user_code: 'u', verification_uri: 'https://there', expires_in: 900, interval: 0, message: 'm' }),
    token: () => ({ token_type: 'Bearer', expires_in: 3599, access_token: 'e30.e30.c2ln' }),
  };
  const sendRequest = async (request) => {
    const { origin, pathname, searchParams } = new URL(request.url);
    const path = bare(pathname);
    const leaf = path.split('/').at(-1);
    const assertion = new URLSearchParams(request.body).get('client_assertion')?.split('.')[1];
    const audience = assertion && JSON.parse(Buffer.from(assertion, 'base64url')).aud;
    const version = searchParams.get('api-version');
    if (leaf !== 'openid-configuration')
      seen.push(`${request.method} ${origin}${path}${version ? ` ${version}` : ''}${audience ? ` for ${bare(audience)}` : ''}`);
    return { request, status: 200, headers: createHttpHeaders({ 'content-type': 'application/json' }), bodyAsText: JSON.stringify(answers[leaf]()) };
  };
  const alone = { ...at, httpClient: { sendRequest }, retryOptions: { maxRetries: 0 } };
  const made = {
    secret: () => new ClientSecretCredential(tenant, client, 's', alone),
    certificate: () => new ClientCertificateCredential(tenant, client, { certificatePath: argument }, alone),
    workload: () => new WorkloadIdentityCredential({ ...alone, tenantId: tenant, clientId: client, tokenFilePath: argument }),
    device: () => new DeviceCodeCredential({ ...alone, tenantId: tenant, clientId: client, userPromptCallback: () => {} }),
  };
  await made[credential]().getToken(scope);
  return { token: seen.join('\n') };
}

// The chain's links by their class; one that is not configured has a stand-in that names its maker.
function links(chain) {
  const names = chain._sources.map((one) => one.credentialName?.replace(/^createDefault/, '') ?? one.constructor.name);
  return { token: names.join(' ') };
}

const asked = {
  hosts_secret: () => hosts('secret'),
  hosts_certificate: () => hosts('certificate', argument),
  hosts_workload: () => hosts('workload', argument),
  hosts_device: () => hosts('device'),
  links: () => links(new DefaultAzureCredential()),
  default: () => new DefaultAzureCredential(at).getToken(scope),
  secret: () => new ClientSecretCredential(tenant, client, argument, at).getToken(scope),
  certificate: () => new ClientCertificateCredential(tenant, client, { certificatePath: argument }, at).getToken(scope),
  chain: () => new ClientCertificateCredential(tenant, client, { certificatePath: argument }, { ...at, sendCertificateChain: true }).getToken(scope),
  older: () => olderAlgorithm(argument),
  workload: () => new WorkloadIdentityCredential({ ...at, tenantId: tenant, clientId: client, tokenFilePath: argument }).getToken(scope),
  device: () => new DeviceCodeCredential({ ...at, tenantId: tenant, clientId: client, userPromptCallback: () => {} }).getToken(scope),
  system: () => new ManagedIdentityCredential().getToken(scope),
  client_id: () => new ManagedIdentityCredential({ clientId: argument }).getToken(scope),
  object_id: () => new ManagedIdentityCredential({ objectId: argument }).getToken(scope),
  resource_id: () => new ManagedIdentityCredential({ resourceId: argument }).getToken(scope),
};
console.log((await asked[kind]()).token);
