import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.opensearch.Version;
import org.opensearch.analysis.common.CommonAnalysisModulePlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.index.mapper.MapperExtrasModulePlugin;
import org.opensearch.index.reindex.ReindexModulePlugin;
import org.opensearch.join.ParentJoinModulePlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessModulePlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.plugins.PluginInfo;
import org.opensearch.search.aggregations.matrix.MatrixAggregationModulePlugin;
import org.opensearch.transport.Netty4ModulePlugin;

/** Starts one OpenSearch node on the loopback address: {@code Launcher <data-dir> <http-port> <transport-port>}. */
public final class Launcher extends Node {

    /** The modules that a normal distribution carries, and nori in place of the plugin that is not published. */
    private static final List<Class<? extends Plugin>> PLUGINS = List.of(
        Netty4ModulePlugin.class,
        CommonAnalysisModulePlugin.class,
        ReindexModulePlugin.class,
        MapperExtrasModulePlugin.class,
        ParentJoinModulePlugin.class,
        MatrixAggregationModulePlugin.class,
        PainlessModulePlugin.class,
        NoriPlugin.class);

    private Launcher(Settings settings) {
        super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "local"), infos(), true);
    }

    private static List<PluginInfo> infos() {
        return PLUGINS.stream().map(Launcher::info).toList();
    }

    private static PluginInfo info(Class<? extends Plugin> plugin) {
        String name = plugin.getName();
        return new PluginInfo(name, name, "local", Version.CURRENT, "21", name, null, List.of(), false);
    }

    public static void main(String[] arguments) throws Exception {
        Path data = Path.of(arguments[0]).toAbsolutePath();
        Settings settings = Settings.builder()
            .put("path.home", data)
            .put("path.data", data.resolve("data"))
            .put("path.logs", data.resolve("logs"))
            .put("cluster.name", "spotlight")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[1])
            .put("transport.port", arguments[2])
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            // A laptop's disk is often nearly full; the real limits would make every index read-only there.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();

        Launcher node = new Launcher(settings);
        CountDownLatch closed = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (IOException failed) {
                failed.printStackTrace();
            }
            closed.countDown();
        }));
        try {
            node.start();
        } catch (Exception failed) {
            // A port or a data folder that is in use; the trace beneath says nothing more.
            System.err.println("OpenSearch did not start: " + failed);
            System.exit(1);
        }
        closed.await();
    }
}
