export { Dns, type DnsArgs, type PublishedRecord } from "./cloud/dns.ts";
export { lookUp, type Surroundings } from "./cloud/lookups.ts";
export { Machine, type MachineArgs } from "./cloud/machine.ts";
export { Network, type NetworkArgs } from "./cloud/network.ts";
export { SecurityGroup, type SecurityGroupArgs } from "./cloud/security-group.ts";
export { loadSettings, parseSettings, SettingsError } from "./configuration.ts";
export { SshHost, type SshHostArgs, type StepOptions } from "./host/ssh-host.ts";
export { LinkMeshProxy, type LinkMeshProxyArgs } from "./linkmesh-proxy.ts";
export { SETTINGS, type Setting, type SettingName, type Settings } from "./settings.ts";
