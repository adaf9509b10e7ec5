package jet;

import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.jet.config.JobConfig;
import java.util.Map;
import java.util.Set;
import peer.Options;
import peer.Run;

/** Runs a workload as jobs of Hazelcast Jet, on one embedded member that talks to no other. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    Options options = Options.parse(args, Set.of("W1", "W2", "W3", "W4"));
    HazelcastInstance member = Hazelcast.newHazelcastInstance(alone(options.threads()));
    try {
      Map<String, String> versions = Map.of("hazelcast", member.getCluster().getLocalMember().getVersion().toString(), "java", System.getProperty("java.version"));
      for (int job = 0; job < options.jobs(); job++) {
        Run run = Run.start(options);
        member.getJet().newJob(Graphs.of(options), new JobConfig().setMetricsEnabled(false)).join();
        System.out.println(run.outcome("jet", versions));
      }
    } finally {
      member.shutdown();
    }
  }

  private static Config alone(int threads) {
    Config config = new Config()
        .setProperty("hazelcast.phone.home.enabled", "false")
        .setProperty("hazelcast.logging.type", "none")
        .setProperty("hazelcast.socket.bind.any", "false");
    JoinConfig join = config.getNetworkConfig().getJoin();
    join.getAutoDetectionConfig().setEnabled(false);
    join.getMulticastConfig().setEnabled(false);
    join.getTcpIpConfig().setEnabled(false);
    config.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    config.getMetricsConfig().setEnabled(false);
    config.getJetConfig().setEnabled(true).setCooperativeThreadCount(threads);
    return config;
  }
}
