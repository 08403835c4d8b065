import type { Settings } from "../../settings/settings.ts";
import { external } from "./external.ts";
import type { DnsProvider } from "./provider.ts";
import { route53 } from "./route53.ts";

/** By the values of the setting `dns`. */
export const DNS_PROVIDERS: Readonly<Record<Settings["dns"], DnsProvider>> = { route53, external };
