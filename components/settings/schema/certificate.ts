import { z } from "zod";
import { acmeDirectory, certificateName, choice, emailAddress, flag, optional, pem, text } from "./types.ts";
import { tlsPrivateKey } from "./keys.ts";
import { setting } from "./setting.ts";

/** Where the certificate comes from. */
export const CERTIFICATE_SETTINGS = {
    acmeDirectory: setting({
        type: "string",
        description:
            "The ACME authority that issues the certificate: staging (Let's Encrypt for trying out, not trusted by browsers), production (Let's Encrypt, at most 5 certificates a week for the same names), or the https URL of another ACME directory.",
        default: "staging",
        example: "production",
        change: ["new certificate", "nginx reloads"],
        changeNote: "going back to a directory that was used before orders nothing while its certificate is valid",
        schema: acmeDirectory,
    }),
    acmeEmail: setting({
        type: "string",
        description:
            "Contact address of the ACME account. Let's Encrypt has sent no mail since June 2025; other authorities may require one. If left out, the account has no contact address.",
        default: "",
        example: "platform@example.com",
        change: [],
        changeNote: "counts when an ACME account is created",
        schema: optional(emailAddress),
    }),
    acmeCaBundle: setting({
        type: "string",
        description:
            "PEM certificates that verify the ACME directory's own https certificate, for a private CA. If it issues from another CA, add that, so that `npm run check` trusts it. If left out, the machine's usual CAs count.",
        default: "",
        example: "-----BEGIN CERTIFICATE-----…",
        change: [],
        changeNote: "counts from the next order or renewal on",
        schema: optional(pem("CERTIFICATE")),
    }),
    acmeChallenge: setting({
        type: "string",
        description:
            "How the authority verifies that the names are yours: http-01 on port 80, or dns-01 with a TXT record in the Route 53 zone, which the machine may write by its instance role. dns-01 allows wildcards and needs no port 80.",
        default: "http-01",
        example: "dns-01",
        change: ["firewall rules change", "new certificate", "nginx reloads"],
        schema: choice(["http-01", "dns-01"], 'must be "http-01" or "dns-01"'),
    }),
    acmeEabKeyId: setting({
        type: "string",
        description:
            "Key identifier of the external account binding that some ACME authorities require. Needs acmeEabHmacKey.",
        default: "",
        example: "kid-1",
        change: [],
        changeNote: "counts when an ACME account is created",
        schema: optional(
            // Nothing that certbot's configuration file would interpret.
            text.regex(/^[A-Za-z0-9_-][A-Za-z0-9._~:/+=@-]*$/, "must be one word, as the authority shows it"),
        ),
    }),
    acmeEabHmacKey: setting({
        type: "string",
        description: "HMAC key of the external account binding, in base64url as the authority shows it.",
        default: "",
        example: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
        change: [],
        changeNote: "counts when an ACME account is created",
        secret: true,
        schema: optional(
            text
                .overwrite((key) => key.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""))
                .refine((key) => /^[A-Za-z0-9_-]+$/.test(key) && key.length % 4 !== 1, "must be base64url text"),
        ),
    }),
    certificateNames: setting({
        type: "array",
        description:
            "Names in the certificate, including wildcards. They must cover domain and uiDomain. gRPC needs no name here, because LinkMesh has its own certificate for it. If left out, domain and uiDomain.",
        default: [],
        example: "*.example.com",
        change: ["new certificate", "nginx reloads"],
        schema: z
            .array(certificateName)
            .max(100, "must hold at most 100 names, as many as Let's Encrypt puts in a certificate"),
    }),
    tlsCertificate: setting({
        type: "string",
        description:
            "Your own certificate in PEM form with its chain, instead of one from an ACME authority. Nothing renews it: set a new one before it ends. If left out, acmeDirectory issues the certificate.",
        default: "",
        example: "-----BEGIN CERTIFICATE-----…",
        change: ["firewall rules change", "new certificate", "nginx reloads"],
        changeNote: "a renewed certificate leaves the firewall rules alone",
        schema: optional(pem("CERTIFICATE")),
    }),
    tlsPrivateKey: setting({
        type: "string",
        description: "Private key of tlsCertificate, in PEM form without a passphrase.",
        default: "",
        example: "-----BEGIN PRIVATE KEY-----…",
        change: ["firewall rules change", "new certificate", "nginx reloads"],
        changeNote: "changes together with tlsCertificate",
        secret: true,
        schema: optional(tlsPrivateKey),
    }),
    httpRedirect: setting({
        type: "boolean",
        description:
            "Answer on port 80 with a redirect to https. Set to false to close port 80, unless the certificate comes by http-01, which needs the port.",
        default: true,
        example: "false",
        change: ["firewall rules change", "nginx reloads"],
        schema: flag,
    }),
} as const;
