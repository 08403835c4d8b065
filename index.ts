import { LinkMeshProxy, loadSettings, lookUp } from "./components/index.ts";

const settings = loadSettings();
const surroundings = await lookUp("linkmesh", settings);
const proxy = new LinkMeshProxy("linkmesh", { settings, lookups: surroundings });

const { publicUrl, uiUrl, httpUrl, opampUrl, grpcEndpoint, certificateSource } = proxy;
const { ipv4, ipv6, sshCommand, sshPrivateKey, sshHostKey, dnsRecords } = proxy;
const outputs = {
    publicUrl,
    uiUrl,
    httpUrl,
    opampUrl,
    grpcEndpoint,
    certificateSource,
    ipv4,
    ipv6,
    sshCommand,
    sshPrivateKey,
    sshHostKey,
    dnsRecords,
};
// What the settings leave out has no output: the engine would warn of an undefined one.
export default Object.fromEntries(Object.entries(outputs).filter(([, value]) => value !== undefined));
