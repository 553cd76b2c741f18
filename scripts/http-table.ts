/**
 * What the port of the webhook answers to what no API server sends. docs/reference/http-answers.md is made of it, and
 * test/server/http-answers.test.ts sends each of them and compares. `, closed`: the connection is closed; else it is kept
 * and the next request on it is answered. An answer without a code of ours is that of Node's parser: nothing was read.
 */

export type HttpCase = { readonly group: string; readonly what: string; readonly answer: string };

const CLOSED = '400, closed';

const of = <Id extends string>(group: string, rows: Readonly<Record<Id, readonly [string, string]>>) =>
  Object.fromEntries(
    Object.entries<readonly [string, string]>(rows).map(([id, [what, answer]]) => [id, { group, what, answer }]),
  ) as Readonly<Record<Id, HttpCase>>;

export const HTTP_CASES = {
  ...of('Where a body ends', {
    lengthAndChunks: ['a length and chunks', CLOSED],
    twoLengths: ['two lengths that contradict each other', CLOSED],
    lengthTwice: ['the same length twice', CLOSED],
    lengthList: ['a list of the same length', CLOSED],
    lengthPlus: ['a length with a sign', CLOSED],
    lengthHex: ['a hexadecimal length', CLOSED],
    lengthHuge: ['a length of more digits than a number has', CLOSED],
    lengthTooLarge: ['a length that is too large', '413 CURFEW_E_BODY_TOO_LARGE, closed'],
    noLength: ['a body without a length', CLOSED],
    encodingIdentity: ['transfer-encoding: identity', CLOSED],
    encodingAfterChunks: ['transfer-encoding: chunked, identity', CLOSED],
    encodingUnknown: ['transfer-encoding: xchunked', CLOSED],
    encodingTwice: ['transfer-encoding twice', CLOSED],
    encodingTab: ['transfer-encoding behind a vertical tab', CLOSED],
    encodingFolded: ['transfer-encoding on a folded line', CLOSED],
    encodingUpperCase: ['transfer-encoding: CHUNKED', '200 allowed'],
    encodingGzip: ['transfer-encoding: gzip, chunked, around what is not compressed', '200 allowed'],
  }),
  ...of('Chunks', {
    chunks: ['one chunk', '200 allowed'],
    chunkExtension: ['an extension of a chunk', '200 allowed'],
    chunkExtensionLarge: ['an extension of 20 kB', '413, closed'],
    chunksOfOneByte: ['as many chunks as bytes', '200 allowed'],
    chunkOverflow: ['a size of more digits than a number has', CLOSED],
    chunkTooLong: ['more than the size says', CLOSED],
    chunkLineFeed: ['line feeds without carriage returns', CLOSED],
    chunkNoSize: ['a size that is no number', CLOSED],
    chunksTooMany: ['more than 8 MiB of them, without an end', '413 CURFEW_E_BODY_TOO_LARGE, closed'],
    trailer: ['a length in the trailer', CLOSED],
    trailerHarmless: ['another trailer', '200 allowed'],
    trailerLarge: ['a trailer of 20 kB', '431, closed'],
  }),
  ...of('Heads', {
    folded: ['a folded header', CLOSED],
    spaceBeforeColon: ['a space before a colon', CLOSED],
    lineFeeds: ['line feeds without carriage returns', CLOSED],
    carriageReturn: ['a carriage return in a value', CLOSED],
    zero: ['a zero byte in a value', CLOSED],
    noHost: ['no host', CLOSED],
    twoHosts: ['two hosts: neither is looked at', '200 allowed'],
    largeHeader: ['a header of 20 kB', '431, closed'],
    manyHeaders: ['100,000 headers, after the first 16 KiB of them', '431, closed'],
    emptyHeaders: ['1,100 headers of four bytes, and a length behind them', '431, closed'],
    expectOther: ['expect: something else', '417'],
    methodOverride: ['x-http-method-override: DELETE, which means nothing', '200 allowed'],
    leadingLines: ['empty lines before the request', '200 allowed'],
    leadingSpace: ['a space before the request', CLOSED],
  }),
  ...of('Requests', {
    pipelined: ['three requests at once', '200 allowed, then 200 allowed, then 200 allowed'],
    smuggled: ['a second request behind the body: one of its own', '200 allowed, then 404 CURFEW_E_PATH'],
    http09: ['HTTP/0.9', '405 CURFEW_E_METHOD, closed'],
    http10: ['HTTP/1.0', '200 allowed, closed'],
    http12: ['HTTP/1.2', CLOSED],
    http2: ['HTTP/2 with prior knowledge', CLOSED],
    upgradeHttp2: ['an upgrade to HTTP/2', 'closed'],
    upgradeSocket: ['an upgrade to a web socket', 'closed'],
    connect: ['CONNECT, as to a proxy', 'closed'],
    options: ['OPTIONS *', '404 CURFEW_E_PATH'],
    lowerCase: ['post in lower case', CLOSED],
    unknownMethod: ['a method that nobody knows', CLOSED],
    noHttp: ['words', CLOSED],
    hugeUrl: ['a URL of 20 kB', '431, closed'],
    longQuery: ['a query of 8 kB', '200 allowed'],
    timeoutTwice: ['timeout twice in the query: ours counts', '200 allowed'],
    prototypeQuery: ['__proto__ in the query', '200 allowed'],
    wholeUrl: ['a whole URL', '200 allowed'],
    doubleSlash: ['two slashes', '404 CURFEW_E_PATH'],
    upperCasePath: ['a path in upper case', '404 CURFEW_E_PATH'],
    slashBehind: ['a slash behind the path', '404 CURFEW_E_PATH'],
    zeroPath: ['a path that ends with %00', '404 CURFEW_E_PATH'],
  }),
  ...of('Bodies', {
    contentTypeOther: ['text/plain', '415 CURFEW_E_CONTENT_TYPE'],
    contentTypeList: ['application/json, text/plain', '415 CURFEW_E_CONTENT_TYPE'],
    contentTypeTwice: ['text/plain behind application/json: the first counts', '200 allowed'],
    charset: ['application/json; charset=utf-16, in UTF-8 all the same', '200 allowed'],
    compressed: ['gzip, with its content-encoding', '400 CURFEW_E_NOT_JSON'],
    notCompressed: ['a content-encoding of what is not compressed', '200 allowed'],
    cutOff: ['less than the length says, and the end of the connection', CLOSED],
    halfClosed: ['all of it, and the end of the connection for one direction: nobody is sent an answer then', 'closed'],
    slow: ['a body that does not arrive in its time', '408 CURFEW_E_BODY_TIMEOUT, closed'],
  }),
  ...of('TLS', {
    plain: ['HTTP without TLS', 'closed'],
    tls10: ['TLS 1.0', 'alert protocol version'],
    tls11: ['TLS 1.1', 'alert protocol version'],
    tls12: ['TLS 1.2', '200 allowed'],
    tls13: ['TLS 1.3', '200 allowed'],
    renegotiation: ['TLS 1.2, and the handshake made anew', 'alert no renegotiation'],
    weakCipher: ['TLS 1.2 with no cipher but NULL-SHA256', 'alert handshake failure'],
    alpnHttp2: ['ALPN: h2 alone', 'alert no application protocol'],
    alpnBoth: ['ALPN: h2 and http/1.1', '200 allowed'],
    noServerName: ['no server name', '200 allowed'],
    otherServerName: ['the server name of somebody else: there is one certificate', '200 allowed'],
    longServerName: ['a server name of 255 characters', '200 allowed'],
    halfHello: ['half of a client hello, and the end of the connection', 'closed'],
  }),
  ...of('Silence', {
    silentHello: ['a connection, and nothing on it', 'closed after 10 to 20 s'],
    silentHead: ['a handshake, and nothing behind it', '408, closed after 95 to 105 s'],
    slowHead: ['a byte of a head every second', '408, closed after 95 to 105 s'],
  }),
} as const satisfies Readonly<Record<string, HttpCase>>;

export type HttpCaseId = keyof typeof HTTP_CASES;
