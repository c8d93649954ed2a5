import { parseYaml } from './src/api/yaml.ts'
const t=(name: string, text: string)=>{ const s=performance.now(); let r=''; try{ const v=parseYaml(text); r='ok '+(text.length<100?JSON.stringify(v):typeof v) }catch(e:any){ r=e.errors?.[0]?.message ?? e.stack.slice(0,300) } console.log(name, Math.round(performance.now()-s),'ms', r) }
const M=1024*1024
t('brackets','['.repeat(M)); t('braces','{a: '.repeat(M/4)); t('dashes','- '.repeat(M/2)); t('maps', Array.from({length:2000},(_,i)=>' '.repeat(Math.min(i,500))+'a:').join('\n'))
t('indent', Array.from({length:1400},(_,i)=>' '.repeat(i)+'a:').join('\n'))
t('indent90', Array.from({length:90},(_,i)=>' '.repeat(i)+'a:').join('\n'))
t('keys', Array.from({length:130000},(_,i)=>`k${i}: 1`).join('\n'))
t('flowkeys', '{'+Array.from({length:130000},(_,i)=>`k${i}: 1`).join(', ')+'}')
t('seq', '- a\n'.repeat(M/4)); t('colons', 'a: '.repeat(M/3)); t('quotes','"'.repeat(M)); t('alias', 'a: &a x\nb: ['+'*a,'.repeat(300000)+']')
t('anchors', Array.from({length:60000},(_,i)=>`- &a${i} 1`).join('\n'))
t('anchors+alias', Array.from({length:50000},(_,i)=>`- &a${i} 1\n- *a${i}`).join('\n'))
t('bang','!'.repeat(M)); t('pipe','a: |\n'+' x\n'.repeat(M/3)); t('ws',' '.repeat(M)); t('nl','\n'.repeat(M)); t('tabs','\t'.repeat(M)); t('comments','#\n'.repeat(M/2)); t('question','? '.repeat(M/2)); t('docs','---\n'.repeat(M/4)); t('digits','a: '+'1'.repeat(M))
t('proto','__proto__: {a: 1}'); t('1.1','%YAML 1.1\n---\na: on'); t('big','a: &a '+ 'x'.repeat(500000)+'\nb: ['+Array(90).fill('*a').join(',')+']'); t('bigseq','a: &a ['+ 'x,'.repeat(250000)+']\nb: ['+Array(90).fill('*a').join(',')+']')
t('rec','a: &a [*a]'); t('colon keys', '"a":'.repeat(1000)); t('dup','a: 1\nb: 2\na: 3')
t('empty',''); t('docs2', 'a: 1\n---\nb: 2'); t('dots','a: 1\n...\n'); t('bom','\ufeffa: 1'); t('errs', '}'.repeat(M)); t('errs2', 'a: 1\n'+ '%\n'.repeat(M/4)); t('fold','a: >\n'+' x\n\n'.repeat(M/5)); t('plain', 'a: '+'x\n '.repeat(M/4)); t('single','a: \''+"''".repeat(M/2)); t('nl in dq','a: "'+'\n'.repeat(M)+'"')
