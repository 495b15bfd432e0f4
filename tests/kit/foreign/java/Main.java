import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/** A small service that keeps the specification. A JVM ends with exit code 143 after SIGTERM, also when it ends in order. */
public class Main {
    public static void main(String[] arguments) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(System.getenv("PORT"))), 0);
        byte[] version = Files.readAllBytes(Path.of("/app/version.json"));
        server.createContext("/", exchange -> answer(exchange, 404, "nothing here".getBytes()));
        server.createContext("/__lbheartbeat__", exchange -> answer(exchange, 200, new byte[0]));
        server.createContext("/__heartbeat__", exchange -> answer(exchange, 200, "{\"status\":\"ok\"}".getBytes()));
        server.createContext("/__version__", exchange -> answer(exchange, 200, version));
        server.createContext("/hello.txt", exchange -> answer(exchange, 200, "hello".getBytes()));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            log("ending");
            server.stop(1);
        }));
        log("listening");
        server.start();
    }

    static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        boolean empty = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, empty ? -1 : body.length);
        if (!empty) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    static void log(String text) {
        System.out.println("{\"Timestamp\":" + System.currentTimeMillis() * 1_000_000 + ",\"Type\":\"app.log\",\"Logger\":\"service\","
            + "\"Hostname\":\"test\",\"EnvVersion\":\"2.0\",\"Severity\":6,\"Fields\":{\"msg\":\"" + text + "\"}}");
    }
}
