import { LinkMeshProxy, loadSettings, lookUp } from "./components/index.ts";

const settings = loadSettings();
const surroundings = await lookUp("linkmesh", settings);
const proxy = new LinkMeshProxy("linkmesh", { settings, surroundings });

export const publicUrl = proxy.publicUrl;
export const uiUrl = proxy.uiUrl;
export const httpUrl = proxy.httpUrl;
export const opampUrl = proxy.opampUrl;
export const grpcEndpoint = proxy.grpcEndpoint;
export const certificateSource = proxy.certificateSource;
export const ipv4 = proxy.ipv4;
export const ipv6 = proxy.ipv6;
export const sshCommand = proxy.sshCommand;
export const sshPrivateKey = proxy.sshPrivateKey;
export const sshHostKey = proxy.sshHostKey;
export const dnsRecords = proxy.dnsRecords;
