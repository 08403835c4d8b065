import type { Settings } from "../../settings/settings.ts";
import { external } from "./external.ts";
import type { DnsProvider } from "./provider.ts";
import { route53 } from "./route53.ts";

/** The provider for each value of the setting `dns`. */
export const DNS_PROVIDERS: Readonly<Record<Settings["dns"], DnsProvider>> = { route53, external };

/** certbot's authenticators of all providers: by them a lineage is recognized as one of this program. */
export const DNS_AUTHENTICATORS = Object.values(DNS_PROVIDERS).flatMap(({ dns01 }) => dns01?.authenticator ?? []);
