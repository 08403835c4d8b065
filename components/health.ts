/** The path below https://DOMAIN that answers 200 if the host is well, and 503 if not. */
export const HEALTH_PATH = "/.well-known/linkmesh-proxy/health";
