// A small service that keeps the specification.
const fs = require('fs');
const http = require('http');

const pages = {
  '/__lbheartbeat__': () => 'OK',
  '/__heartbeat__': () => '{"status":"ok","checks":{},"details":{}}',
  '/__version__': () => fs.readFileSync('/app/version.json'),
  '/hello.txt': () => 'hello',
};
http.createServer((request, response) => {
  const page = pages[request.url];
  response.statusCode = page ? 200 : 404;
  response.end(page ? page() : 'nothing here');
}).listen(process.env.PORT, () => console.log(`listening on ${process.env.PORT}`));
