/** Two years, as hstspreload.org recommends. */
export const HSTS_SECONDS = 63_072_000;

/** A location that adds a header of its own inherits none, so it repeats this one. */
export const HSTS = `add_header Strict-Transport-Security "max-age=${HSTS_SECONDS}" always;`;

/**
 * Mozilla's "intermediate" configuration, guidelines 5.8. All servers of port 443 include it, because nginx takes most of it
 * from the default server. There is no list of curves: OpenSSL's default includes X25519MLKEM768 if it is supported, and
 * nginx does not start with a curve that is not.
 */
export const TLS = `ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
ssl_prefer_server_ciphers off;
ssl_session_timeout 1d;
ssl_session_cache shared:linkmesh:10m;
ssl_session_tickets off;
ssl_early_data off;
ssl_verify_client off;
`;
