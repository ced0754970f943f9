import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.ko.KoreanAnalyzer;
import org.apache.lucene.analysis.ko.KoreanNumberFilter;
import org.apache.lucene.analysis.ko.KoreanPartOfSpeechStopFilter;
import org.apache.lucene.analysis.ko.KoreanReadingFormFilter;
import org.apache.lucene.analysis.ko.KoreanTokenizer;
import org.apache.lucene.analysis.ko.KoreanTokenizer.DecompoundMode;
import org.apache.lucene.analysis.ko.POS;
import org.apache.lucene.analysis.ko.dict.UserDictionary;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.IndexSettings;
import org.opensearch.index.analysis.AbstractTokenFilterFactory;
import org.opensearch.index.analysis.Analysis;
import org.opensearch.index.analysis.AnalyzerProvider;
import org.opensearch.index.analysis.AnalyzerScope;
import org.opensearch.index.analysis.PreBuiltAnalyzerProvider;
import org.opensearch.index.analysis.TokenFilterFactory;
import org.opensearch.index.analysis.TokenizerFactory;
import org.opensearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.opensearch.plugins.AnalysisPlugin;
import org.opensearch.plugins.Plugin;

/**
 * Lucene's Korean analysis under the names and settings of OpenSearch's own {@code analysis-nori} plugin, which is not
 * published as a jar. An index definition is thus the same here and on the managed service.
 */
public final class NoriPlugin extends Plugin implements AnalysisPlugin {

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of("nori_tokenizer", (index, environment, name, settings) -> {
            UserDictionary dictionary = userDictionary(environment, settings);
            DecompoundMode mode = decompoundMode(settings);
            boolean discardPunctuation = settings.getAsBoolean("discard_punctuation", true);
            return TokenizerFactory.newFactory(name, () -> (Tokenizer) new KoreanTokenizer(
                KoreanTokenizer.DEFAULT_TOKEN_ATTRIBUTE_FACTORY, dictionary, mode, false, discardPunctuation));
        });
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.of(
            "nori_part_of_speech", (index, environment, name, settings) -> {
                Set<POS.Tag> stopTags = stopTags(environment, settings);
                return filter(index, name, settings, tokens -> new KoreanPartOfSpeechStopFilter(tokens, stopTags));
            },
            "nori_readingform", (index, environment, name, settings) ->
                filter(index, name, settings, KoreanReadingFormFilter::new),
            "nori_number", (index, environment, name, settings) ->
                filter(index, name, settings, KoreanNumberFilter::new));
    }

    @Override
    public Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> getAnalyzers() {
        return Map.of("nori", (index, environment, name, settings) -> new PreBuiltAnalyzerProvider(
            name, AnalyzerScope.INDEX,
            new KoreanAnalyzer(userDictionary(environment, settings), decompoundMode(settings), stopTags(environment, settings), false)));
    }

    private static TokenFilterFactory filter(
        IndexSettings index, String name, Settings settings, UnaryOperator<TokenStream> wrap) {
        return new AbstractTokenFilterFactory(index, name, settings) {
            @Override
            public TokenStream create(TokenStream tokens) {
                return wrap.apply(tokens);
            }
        };
    }

    private static DecompoundMode decompoundMode(Settings settings) {
        return DecompoundMode.valueOf(settings.get("decompound_mode", "discard").toUpperCase(Locale.ROOT));
    }

    private static Set<POS.Tag> stopTags(Environment environment, Settings settings) {
        List<String> tags = Analysis.parseWordList(environment, settings, "stoptags", tag -> tag);
        if (tags == null) {
            return KoreanPartOfSpeechStopFilter.DEFAULT_STOP_TAGS;
        }
        return tags.stream().map(POS::resolveTag).collect(Collectors.toSet());
    }

    /** {@code user_dictionary} names a file, {@code user_dictionary_rules} lists its lines; without both there is none. */
    private static UserDictionary userDictionary(Environment environment, Settings settings) throws IOException {
        List<String> rules = settings.getAsList("user_dictionary_rules", null);
        try (Reader file = Analysis.getReaderFromFile(environment, settings, "user_dictionary")) {
            if (file != null) {
                return UserDictionary.open(file);
            }
            return rules == null ? null : UserDictionary.open(new StringReader(String.join("\n", rules)));
        }
    }
}
