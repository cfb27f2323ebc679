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

// The chain's links by their class; one that is not configured has a stand-in that names its maker.
function links(chain) {
  const names = chain._sources.map((one) => one.credentialName?.replace(/^createDefault/, '') ?? one.constructor.name);
  return { token: names.join(' ') };
}

const asked = {
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
