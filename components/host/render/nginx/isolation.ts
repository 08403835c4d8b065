/** An empty key is not counted, so these zones limit nothing. They override limits that another file may set for all sites. */
export const UNCOUNTED = `limit_req_zone "" zone=linkmesh_requests:32k rate=1r/s;
limit_conn_zone "" zone=linkmesh_uncounted:32k;
`;

/** For a site without a limit of sessions. */
export const NO_LIMIT = "limit_conn linkmesh_uncounted 1";

/** Directives that a server would otherwise inherit from another file that sets them for all sites. */
export const ISOLATION = `    # Override what another file may set for all sites.
    allow all;
    auth_basic off;
    auth_request off;
    limit_req zone=linkmesh_requests;
    limit_rate 0;`;
